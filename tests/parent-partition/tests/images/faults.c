/* A driver that breaks one rule in each function. */

typedef unsigned long long WORD;
#define EXPORTED __declspec(dllexport)
#define IMPORTED __declspec(dllimport)

IMPORTED void *Allocate(WORD size);
IMPORTED void Free(void *block);
IMPORTED void Fill(void *to, WORD length);
IMPORTED void ReadItself(const void *from);
IMPORTED __attribute__((noreturn)) void Stop(void);
IMPORTED WORD CallBack(WORD (*function)(WORD), WORD argument);

static volatile WORD zero;
static const WORD constant[2] = {1, 2};

__attribute__((section("INIT"), noinline)) WORD DriverEntry(void *driver, void *path)
{
    return (WORD)driver + (WORD)path;
}

static __attribute__((noinline)) WORD Recurse(WORD depth)
{
    volatile unsigned char frame[512];
    frame[depth % 512] = (unsigned char)depth;
    return zero ? 0 : Recurse(depth + 1) + frame[0];
}

EXPORTED WORD Overflows(void)
{
    return Recurse(0);
}

EXPORTED WORD StepsOverTheGuard(void)
{
    volatile unsigned char frame[0x8000];
    frame[zero] = 1;
    return frame[zero + 1];
}

/* Uses the stack up by going through the kernel, so that the kernel's own entry finds none left. */
EXPORTED WORD OverflowsThroughTheKernel(WORD depth)
{
    return CallBack(OverflowsThroughTheKernel, depth + 1) + depth;
}

EXPORTED void WritesPastTheEnd(WORD size, WORD distance)
{
    volatile unsigned char *block = Allocate(size);
    block[size + distance] = 1;
    Free((void *)block);
}

EXPORTED void WritesBeforeTheStart(WORD size, WORD distance)
{
    volatile unsigned char *block = Allocate(size);
    *(block - distance) = 1;
    Free((void *)block);
}

EXPORTED WORD ReadsAfterFree(void)
{
    volatile unsigned char *block = Allocate(64);
    Free((void *)block);
    return block[8];
}

EXPORTED void FreesTwice(void)
{
    void *block = Allocate(64);
    Free(block);
    Free(block);
}

EXPORTED void FreesTheMiddle(void)
{
    Free((char *)Allocate(64) + 16);
}

EXPORTED void WritesAConstant(void)
{
    *(volatile WORD *)&constant[zero] = 3;
}

EXPORTED WORD ReadsNull(void)
{
    return *(volatile WORD *)(zero + 8);
}

EXPORTED WORD ReadsANonCanonicalAddress(void)
{
    return *(volatile WORD *)(zero + 0x8000000000000000ull);
}

EXPORTED WORD CallsNull(void)
{
    WORD (*volatile function)(void) = (WORD(*)(void))zero;
    return function() + 1;
}

EXPORTED void PassesABadPointer(void)
{
    Fill((void *)(zero + 0x10), 4);
}

EXPORTED void PassesAShortBlock(void)
{
    Fill(Allocate(16), 24);
}

EXPORTED void LetsTheKernelRead(void)
{
    ReadItself((void *)zero);
}

EXPORTED WORD Divides(WORD by)
{
    return 100 / by;
}

EXPORTED void Breaks(void)
{
    __asm__ volatile("int3");
}

EXPORTED void IsIllegal(void)
{
    __asm__ volatile("ud2");
}

EXPORTED void FailsFast(WORD code)
{
    __asm__ volatile("int $0x29" ::"c"(code));
}

static __attribute__((noinline)) WORD Inner(WORD value)
{
    volatile WORD frame[40] = {value};
    Free((void *)frame[0]);
    return frame[1];
}

static __attribute__((noinline)) WORD Touch(WORD address)
{
    volatile WORD frame[20] = {address};
    return *(volatile WORD *)frame[0] + frame[1];
}

/* A stack allocated at run time needs a frame pointer. */
static __attribute__((noinline)) WORD Middle(WORD (*function)(WORD), WORD size)
{
    volatile unsigned char *frame = __builtin_alloca(size);
    frame[0] = 1;
    return function(zero) + frame[zero];
}

EXPORTED WORD FreesDeepInside(void)
{
    return Middle(Inner, 100 + zero) + 1;
}

EXPORTED WORD FaultsDeepInside(void)
{
    return Middle(Touch, 100 + zero) + 1;
}

EXPORTED void StopsAtItsEnd(void)
{
    if (zero == 0)
        Stop();
}

EXPORTED void Halts(void)
{
    __asm__ volatile("hlt");
}

EXPORTED WORD ReadsAControlRegister(void)
{
    WORD value;
    __asm__ volatile("movq %%cr4, %0" : "=r"(value));
    return value;
}

EXPORTED WORD RunsData(void)
{
    WORD (*volatile function)(void) = (WORD(*)(void))(constant + zero);
    return function() + 1;
}

EXPORTED WORD RunsPool(void)
{
    WORD (*volatile function)(void) = (WORD(*)(void))Allocate(16);
    return function() + 1;
}

EXPORTED WORD CallsDiscardedCode(void)
{
    WORD (*volatile function)(void *, void *) = DriverEntry;
    return function(0, 0) + zero;
}
