/* What the WDK's compiler and libraries put into an image: a security cookie and control flow guard. */
#include <ntifs.h>

#define EXPORTED __declspec(dllexport)
#define NOINLINE __attribute__((noinline))
#define DEFAULT_COOKIE 0x00002B992DDFA232ull

ULONG_PTR __security_cookie = DEFAULT_COOKIE;
ULONG_PTR __security_cookie_complement = ~DEFAULT_COOKIE;

/* The pointers lie in a section of their own, which is read only once the image is loaded. */
static void no_check(void)
{
}

__attribute__((naked)) static void no_dispatch(void)
{
    __asm__("jmp *%rax");
}

__attribute__((section(".00cfg"), used)) void *const __guard_check_icall_fptr = no_check;
__attribute__((section(".00cfg"), used)) void *const __guard_dispatch_icall_fptr = no_dispatch;

extern char __guard_fids_table[], __guard_fids_count[], __guard_flags[];

/* IMAGE_LOAD_CONFIG_DIRECTORY64 as far as its guard flags and a little further. */
typedef struct {
    ULONG size;
    ULONG unused[21];
    PVOID security_cookie;
    PVOID handler_table;
    ULONG_PTR handler_count;
    const PVOID guard_check;
    const PVOID guard_dispatch;
    PVOID guard_table;
    PVOID guard_count;
    ULONG guard_flags;
    ULONG more[43];
} LOAD_CONFIG;

extern const LOAD_CONFIG _load_config_used;
__asm__(
    ".section .rdata,\"dr\"\n"
    ".globl _load_config_used\n"
    ".p2align 3\n"
    "_load_config_used:\n"
    ".long 0x140\n"
    ".zero 0x54\n"
    ".quad __security_cookie\n"
    ".quad 0\n"
    ".quad 0\n"
    ".quad __guard_check_icall_fptr\n"
    ".quad __guard_dispatch_icall_fptr\n"
    ".quad __guard_fids_table\n"
    ".quad __guard_fids_count\n"
    ".long __guard_flags\n"
    ".zero 0xac\n"
    ".text\n");

/* ---- the security cookie, as the entry stub and the compiler use it */

static NOINLINE void report_failure(void)
{
    __asm__ volatile("int $0x29" ::"c"(2));
}

__attribute__((no_stack_protector)) void __security_check_cookie(ULONG_PTR cookie)
{
    if (cookie != __security_cookie || cookie >> 48 != 0) {
        report_failure();
    }
}

static NOINLINE void initialize_cookie(void)
{
    if (__security_cookie == 0 || __security_cookie == DEFAULT_COOKIE) {
        __asm__ volatile("int $0x29" ::"c"(6));
    }
    __security_cookie_complement = ~__security_cookie;
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    initialize_cookie();
    return STATUS_SUCCESS;
}

EXPORTED ULONG_PTR Cookie(void)
{
    return __security_cookie;
}

EXPORTED NOINLINE ULONG FillsABuffer(ULONG length)
{
    volatile UCHAR buffer[32];
    for (ULONG at = 0; at < length; at++) {
        buffer[at] = (UCHAR)at;
    }
    return buffer[length / 2];
}

/* ---- control flow guard */

static NOINLINE ULONG add_three(ULONG a, ULONG b, ULONG c, ULONG d, ULONG e)
{
    return a + 10 * b + 100 * c + 1000 * d + 10000 * e + 3;
}

/* Its address is taken, so the linker lists it. */
static ULONG (*volatile function)(ULONG, ULONG, ULONG, ULONG, ULONG) = add_three;

EXPORTED ULONG CallsAFunction(void)
{
    return function(1, 2, 3, 4, 5);
}

EXPORTED ULONG CallsAKernelRoutine(void)
{
    KIRQL (*volatile routine)(void) = KeGetCurrentIrql;
    return routine();
}

EXPORTED ULONG CallsIntoAFunction(void)
{
    function = (PVOID)((ULONG_PTR)function + 4);
    return function(1, 2, 3, 4, 5);
}

EXPORTED ULONG CallsData(void)
{
    function = (PVOID)&function;
    return function(1, 2, 3, 4, 5);
}

EXPORTED ULONG ChecksAFunction(ULONG_PTR distance)
{
    void (*check)(PVOID) = *(void (*volatile const *)(PVOID))&__guard_check_icall_fptr;
    ULONG_PTR target = (ULONG_PTR)function + distance;
    ULONG kept;
    __asm__ volatile("movl $77, %%r9d\n subq $40, %%rsp\n call *%1\n addq $40, %%rsp\n movl %%r9d, %0"
                     : "=r"(kept)
                     : "r"(check), "c"(target)
                     : "r9", "memory", "cc");
    return kept;
}
