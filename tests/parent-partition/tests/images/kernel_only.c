/* What an image built with the WDK does with the processor and with fixed addresses of the kernel. */
#include <ntifs.h>

#define EXPORTED __declspec(dllexport)
#define SHARED_DATA 0xFFFFF78000000000ull

static KSPIN_LOCK lock;

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    return STATUS_SUCCESS;
}

/* ---- KUSER_SHARED_DATA */

EXPORTED ULONG ReadsTheVersion(void)
{
    volatile ULONG *major = (volatile ULONG *)(SHARED_DATA + 0x26C), *minor = (volatile ULONG *)(SHARED_DATA + 0x270);
    volatile ULONG *build = (volatile ULONG *)(SHARED_DATA + 0x260);
    return *major * 10000000 + *minor * 1000000 + *build;
}

EXPORTED ULONG ReadsByEachSize(void)
{
    ULONG_PTR page = SHARED_DATA;
    ULONG_PTR at;
    ULONG bytes = *(volatile UCHAR *)(page + 0x260) | *(volatile UCHAR *)(page + 0x261) << 8;
    ULONG words = *(volatile USHORT *)(page + 0x260);
    LONG is_signed = *(volatile signed char *)(page + 0x260);
    ULONGLONG wide = *(volatile ULONGLONG *)(page + 0x260);
    /* The form with an address of 64 bits in the instruction. */
    __asm__ volatile("movabsl 0xFFFFF78000000260, %%eax" : "=a"(at));
    return bytes == 22621 && words == 22621 && is_signed == (signed char)22621 && (ULONG)wide == 22621 && wide >> 32 == 3
        && (ULONG)at == 22621;
}

EXPORTED ULONG ComparesAndTests(void)
{
    UCHAR equal, above, signs, zero;
    __asm__ volatile("cmpl $22621, (%1)\n sete %0" : "=r"(equal) : "r"(SHARED_DATA + 0x260) : "cc");
    __asm__ volatile("cmpl (%1), %2\n seta %0" : "=r"(above) : "r"(SHARED_DATA + 0x260), "r"(22622) : "cc");
    __asm__ volatile("testb $0x80, (%1)\n setnz %0" : "=r"(signs) : "r"(SHARED_DATA + 0x260) : "cc");
    __asm__ volatile("testl %2, (%1)\n setz %0" : "=r"(zero) : "r"(SHARED_DATA + 0x260), "r"(2) : "cc");
    return equal && above && signs == ((22621 & 0x80) != 0) && zero == ((22621 & 2) == 0);
}

/* As KeQueryInterruptTime and KeQuerySystemTime have it inline: the upper half before and after. */
static ULONGLONG time_at(ULONG offset)
{
    volatile LONG *time = (volatile LONG *)(SHARED_DATA + offset);
    LONG high;
    ULONG low;
    do {
        high = time[1];
        low = (ULONG)time[0];
    } while (high != time[2]);
    return (ULONGLONG)high << 32 | low;
}

EXPORTED ULONG ReadsTheClocks(void)
{
    LARGE_INTEGER system;
    ULONGLONG interrupt_before = time_at(0x8);
    ULONGLONG before = time_at(0x14);
    KeQuerySystemTimePrecise(&system);
    ULONGLONG after = time_at(0x14);
    return before <= (ULONGLONG)system.QuadPart && (ULONGLONG)system.QuadPart <= after && interrupt_before <= time_at(0x8);
}

EXPORTED void WritesSharedData(void)
{
    *(volatile ULONG *)(SHARED_DATA + 0x260) = 1;
}

EXPORTED ULONG ReadsBehindSharedData(void)
{
    return *(volatile ULONG *)(SHARED_DATA + 0x1000);
}

/* ---- the processor's block */

EXPORTED ULONG ReadsTheProcessorsNumber(void)
{
    ULONG number;
    __asm__ volatile("movl %%gs:0x1a4, %0" : "=r"(number));
    return number;
}

/* ---- CR8 */

static ULONGLONG level(void)
{
    ULONGLONG value;
    __asm__ volatile("movq %%cr8, %0" : "=r"(value));
    return value;
}

static void set_level(ULONGLONG value)
{
    __asm__ volatile("movq %0, %%cr8" : : "r"(value) : "memory");
}

EXPORTED ULONG MovesTheLevel(void)
{
    ULONGLONG before = level();
    set_level(DISPATCH_LEVEL);
    ULONGLONG raised = level();
    KIRQL seen = KeGetCurrentIrql();
    set_level(before);
    return before == PASSIVE_LEVEL && raised == DISPATCH_LEVEL && seen == DISPATCH_LEVEL && KeGetCurrentIrql() == before;
}

static ULONG ran_at;

static void run(PKDPC dpc, PVOID context, PVOID first, PVOID second)
{
    volatile UCHAR frame[512];
    frame[(ULONG_PTR)context % 512] = 1;
    ran_at = 10 + KeGetCurrentIrql() + frame[(ULONG_PTR)context % 512];
}

EXPORTED ULONG RunsADpcWhenItLowers(void)
{
    volatile ULONG kept[64];
    KDPC dpc;
    for (ULONG at = 0; at < 64; at++) {
        kept[at] = at;
    }
    KeInitializeDpc(&dpc, run, NULL);
    set_level(DISPATCH_LEVEL);
    KeInsertQueueDpc(&dpc, NULL, NULL);
    ULONG early = ran_at;
    set_level(PASSIVE_LEVEL);
    for (ULONG at = 0; at < 64; at++) {
        if (kept[at] != at) {
            return 0;
        }
    }
    return early == 0 && ran_at == 13;
}

EXPORTED void SetsNoLevel(void)
{
    set_level(16);
}

EXPORTED void LowersWithALock(void)
{
    KIRQL before;
    KeAcquireSpinLock(&lock, &before);
    set_level(PASSIVE_LEVEL);
}

EXPORTED void ReturnsRaised(void)
{
    set_level(APC_LEVEL);
}
