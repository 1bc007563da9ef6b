/* Raises exceptions and handles them as C compilers for Windows have it: each function answers a number that a test knows. */
#include <ntifs.h>
#include <ntstatus.h>

#define EXPORTED __declspec(dllexport)
#define NOINLINE __attribute__((noinline))
#define EXCEPTION_EXECUTE_HANDLER 1
#define EXCEPTION_CONTINUE_SEARCH 0
#define EXCEPTION_CONTINUE_EXECUTION (-1)

typedef struct {
    ULONG code;
    ULONG flags;
    PVOID next;
    PVOID address;
    ULONG count;
    ULONG_PTR information[15];
} RECORD;

typedef struct {
    RECORD *record;
    PUCHAR context;
} POINTERS;

static volatile ULONG order;

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    return STATUS_SUCCESS;
}

static NOINLINE void raise(NTSTATUS status)
{
    ExRaiseStatus(status);
}

/* Keeps many registers over a call that does not return. */
static NOINLINE ULONG deep(ULONG depth, NTSTATUS status)
{
    volatile ULONG kept[32];
    kept[depth % 32] = depth;
    if (depth == 0) {
        raise(status);
        return 0;
    }
    return deep(depth - 1, status) + kept[depth % 32];
}

EXPORTED NTSTATUS RaisesAStatus(void)
{
    __try {
        raise(STATUS_UNSUCCESSFUL);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return _exception_code();
    }
    return 0;
}

EXPORTED NTSTATUS RaisesDeepInside(void)
{
    __try {
        deep(20, STATUS_NOT_FOUND);
    } __except (_exception_code() == STATUS_NOT_FOUND ? EXCEPTION_EXECUTE_HANDLER : EXCEPTION_CONTINUE_SEARCH) {
        return _exception_code();
    }
    return 0;
}

EXPORTED NTSTATUS PassesToTheOuterHandler(void)
{
    __try {
        __try {
            deep(3, STATUS_NOT_FOUND);
        } __except (_exception_code() == STATUS_UNSUCCESSFUL) {
            return 1;
        }
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return _exception_code();
    }
    return 2;
}

static NOINLINE void with_finally(void)
{
    __try {
        deep(2, STATUS_UNSUCCESSFUL);
    } __finally {
        order = order * 10 + (_abnormal_termination() ? 1 : 9);
    }
}

/* The inner function's end runs before the handler, and once; 12 when both did in this order. */
EXPORTED ULONG RunsFinallyBeforeTheHandler(void)
{
    order = 0;
    __try {
        with_finally();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        order = order * 10 + 2;
    }
    return order;
}

EXPORTED ULONG RunsFinallyWithoutAnException(void)
{
    order = 0;
    __try {
        order = 3;
    } __finally {
        order = order * 10 + (_abnormal_termination() ? 1 : 4);
    }
    return order;
}

EXPORTED ULONG GoesOnAfterTheHandler(void)
{
    ULONG caught = 0;
    for (ULONG round = 0; round < 100; round++) {
        __try {
            deep(round % 7, STATUS_UNSUCCESSFUL);
        } __except (EXCEPTION_EXECUTE_HANDLER) {
            caught += round;
        }
    }
    return caught;
}

static NOINLINE ULONG read(volatile ULONG *address)
{
    return *address;
}

static NOINLINE void write(volatile ULONG *address)
{
    *address = 1;
}

static ULONG_PTR seen[3];

static ULONG see(POINTERS *pointers)
{
    seen[0] = pointers->record->code;
    seen[1] = pointers->record->information[0];
    seen[2] = pointers->record->information[1];
    return EXCEPTION_EXECUTE_HANDLER;
}

#define USER_ADDRESS ((volatile ULONG *)0x10008)

EXPORTED ULONG ReadsAUserAddress(void)
{
    __try {
        return read(USER_ADDRESS);
    } __except (see(_exception_info())) {
        return seen[0] == (ULONG)STATUS_ACCESS_VIOLATION && seen[1] == 0 && seen[2] == (ULONG_PTR)USER_ADDRESS;
    }
}

EXPORTED ULONG WritesAUserAddress(void)
{
    __try {
        write(USER_ADDRESS);
    } __except (see(_exception_info())) {
        return seen[0] == (ULONG)STATUS_ACCESS_VIOLATION && seen[1] == 1 && seen[2] == (ULONG_PTR)USER_ADDRESS;
    }
    return 0;
}

EXPORTED ULONG CopiesFromAUserAddress(void)
{
    UCHAR bytes[256];
    __try {
        RtlCopyMemory(bytes, (PVOID)USER_ADDRESS, sizeof(bytes) - (order & 1));
    } __except (see(_exception_info())) {
        return seen[0] == (ULONG)STATUS_ACCESS_VIOLATION;
    }
    return bytes[0];
}

static NOINLINE ULONG divide(ULONG by)
{
    return 100 / by;
}

EXPORTED NTSTATUS Divides(ULONG by)
{
    __try {
        return divide(by);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return _exception_code();
    }
}

/* The filter mends what was wrong and has the instruction run again. */
static ULONG place = 7;

static NOINLINE ULONG read_through(ULONG_PTR address)
{
    ULONG value;
    __asm__ volatile("movl (%%rcx), %0" : "=a"(value) : "c"(address));
    return value;
}

static LONG mend(POINTERS *pointers)
{
    *(ULONG_PTR *)(pointers->context + 0x80) = (ULONG_PTR)&place;
    return EXCEPTION_CONTINUE_EXECUTION;
}

EXPORTED ULONG MendsAndContinues(void)
{
    __try {
        return read_through(0x10000);
    } __except (mend(_exception_info())) {
        return 1;
    }
}

EXPORTED NTSTATUS ProbesWhatIsNotAligned(void)
{
    __try {
        ProbeForRead((PVOID)0x10001, 8, 4);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return _exception_code();
    }
    return 0;
}

EXPORTED NTSTATUS ProbesAKernelAddress(void)
{
    __try {
        ProbeForRead((PVOID)0xFFFF800000001000, 8, 4);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return _exception_code();
    }
    return 0;
}

EXPORTED NTSTATUS ProbesToWriteWhereNothingIs(void)
{
    __try {
        ProbeForWrite((PVOID)0x10000, 8, 4);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return _exception_code();
    }
    return 0;
}

EXPORTED NTSTATUS RaisesTheKernelsOwn(ULONG which)
{
    __try {
        if (which == 0) {
            ExRaiseAccessViolation();
        }
        ExRaiseDatatypeMisalignment();
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return _exception_code();
    }
}

/* ---- what ends a run */

EXPORTED void RaisesForNobody(void)
{
    raise(STATUS_UNSUCCESSFUL);
}

EXPORTED void RaisesPastARefusal(void)
{
    __try {
        raise(STATUS_UNSUCCESSFUL);
    } __except (EXCEPTION_CONTINUE_SEARCH) {
        order = 1;
    }
}

EXPORTED void ContinuesWhatCannotBe(void)
{
    __try {
        raise(STATUS_UNSUCCESSFUL);
    } __except (EXCEPTION_CONTINUE_EXECUTION) {
        order = 1;
    }
}

EXPORTED ULONG HandlesABadReadOfThePool(void)
{
    PUCHAR block = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, 'cexE');
    ExFreePool(block);
    __try {
        return read((volatile ULONG *)block);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return 1;
    }
}

EXPORTED ULONG HandlesABadReadAtDispatchLevel(void)
{
    KIRQL before;
    KeRaiseIrql(DISPATCH_LEVEL, &before);
    __try {
        return read(USER_ADDRESS);
    } __except (EXCEPTION_EXECUTE_HANDLER) {
        return 1;
    }
}
