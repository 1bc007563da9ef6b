/* Crosses between image and kernel in every way a call can. */

typedef unsigned long long WORD;
#define EXPORTED __declspec(dllexport)
#define IMPORTED __declspec(dllimport)

IMPORTED WORD TenArguments(WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD, WORD);
IMPORTED WORD CallBack(WORD (*function)(WORD), WORD argument);
IMPORTED void RaiseOnly(void);
IMPORTED void EnterOnly(void);

WORD DriverEntry(void *driver, void *path)
{
    return (WORD)driver + (WORD)path;
}

EXPORTED WORD Digits(WORD a, WORD b, WORD c, WORD d, WORD e, WORD f, WORD g)
{
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 100000 * f + 1000000 * g;
}

EXPORTED WORD CallOut(WORD first)
{
    return TenArguments(first, 2, 3, 4, 5, 6, 7, 8, 9, 10) + 1;
}

/* Goes through the kernel into itself until the count is used up. */
EXPORTED WORD Nest(WORD count)
{
    volatile WORD kept = count * 3;
    if (count == 0)
        return 0;
    return CallBack(Nest, count - 1) + kept;
}

EXPORTED WORD DeepFrame(WORD index)
{
    volatile unsigned char frame[2000];
    for (int i = 0; i < 2000; i++)
        frame[i] = (unsigned char)i;
    return frame[index % 2000];
}

EXPORTED WORD CurrentThread(void)
{
    WORD thread;
    __asm__ volatile("movq %%gs:0x188, %0" : "=r"(thread));
    return thread;
}

EXPORTED WORD ThroughPointer(WORD (*function)(WORD), WORD argument)
{
    return function(argument) + 1;
}

EXPORTED void ReturnsRaised(void)
{
    RaiseOnly();
}

EXPORTED void ReturnsInCriticalRegion(void)
{
    EnterOnly();
}

/* Callee-saved registers hold values over a call out and must be the same after it. */
EXPORTED WORD KeepsRegisters(void)
{
    WORD same;
    __asm__ volatile(
        "movq $11, %%rbx\n movq $12, %%rsi\n movq $13, %%rdi\n movq $14, %%r12\n"
        "movq $15, %%r13\n movq $16, %%r14\n movq $17, %%r15\n"
        "movq $18, %%rax\n movq %%rax, %%xmm6\n movq %%rax, %%xmm15\n"
        "subq $96, %%rsp\n movq $0, %%rdx\n leaq Nest(%%rip), %%rcx\n"
        "call *__imp_CallBack(%%rip)\n addq $96, %%rsp\n"
        "xorq $11, %%rbx\n xorq $12, %%rsi\n xorq $13, %%rdi\n xorq $14, %%r12\n"
        "xorq $15, %%r13\n xorq $16, %%r14\n xorq $17, %%r15\n"
        "orq %%rsi, %%rbx\n orq %%rdi, %%rbx\n orq %%r12, %%rbx\n orq %%r13, %%rbx\n"
        "orq %%r14, %%rbx\n orq %%r15, %%rbx\n"
        "movq %%xmm6, %%rcx\n xorq $18, %%rcx\n orq %%rcx, %%rbx\n"
        "movq %%xmm15, %%rcx\n xorq $18, %%rcx\n orq %%rcx, %%rbx\n"
        "movq %%rbx, %0\n"
        : "=r"(same)
        :
        : "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
          "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm15", "memory", "cc");
    return same;
}
