/* What wdm.h declares of lists, timers, callback objects and interrupts, from the DDI pages of each. */
#include <ntifs.h>
#include <ntstatus.h>

#define EXPORTED __declspec(dllexport)

typedef struct DECLSPEC_ALIGN(16) {
    ULONGLONG depth_and_sequence;
    ULONGLONG next;
} SLIST_HEADER;

typedef struct DECLSPEC_ALIGN(16) SLIST_ENTRY {
    struct SLIST_ENTRY *next;
} SLIST_ENTRY;

typedef struct DECLSPEC_ALIGN(64) {
    SLIST_HEADER list;
    USHORT depth;
    USHORT maximum_depth;
    ULONG total_allocates;
    ULONG allocate_misses;
    ULONG total_frees;
    ULONG free_misses;
    ULONG type;
    ULONG tag;
    ULONG size;
    PVOID (*allocate)(ULONG type, SIZE_T size, ULONG tag);
    void (*free)(PVOID block);
    LIST_ENTRY links;
    ULONG counts[2];
    ULONG future[2];
} LOOKASIDE_LIST;

typedef void EXT_CALLBACK(PVOID timer, PVOID context);
typedef void CALLBACK_FUNCTION(PVOID context, PVOID first, PVOID second);
typedef BOOLEAN KSERVICE_ROUTINE(PVOID interrupt, PVOID context);

typedef struct {
    ULONG version;
    ULONG reserved;
    void (*callback)(PVOID context);
    PVOID context;
} EXT_DELETE_PARAMETERS;

typedef struct {
    ULONG version;
    PDEVICE_OBJECT device;
    PVOID *interrupt;
    KSERVICE_ROUTINE *routine;
    PVOID context;
    PKSPIN_LOCK lock;
    KIRQL synchronize_irql;
    BOOLEAN floating_save;
    BOOLEAN shared;
    ULONG vector;
    KIRQL irql;
    KINTERRUPT_MODE mode;
    KAFFINITY processors;
    USHORT group;
} CONNECT_PARAMETERS;

typedef struct {
    ULONG version;
    PVOID interrupt;
} DISCONNECT_PARAMETERS;

NTKERNELAPI SLIST_ENTRY *ExpInterlockedPushEntrySList(SLIST_HEADER *list, SLIST_ENTRY *entry);
NTKERNELAPI SLIST_ENTRY *ExpInterlockedPopEntrySList(SLIST_HEADER *list);
NTKERNELAPI USHORT ExQueryDepthSList(SLIST_HEADER *list);
NTKERNELAPI void ExInitializeNPagedLookasideList(LOOKASIDE_LIST *list, PVOID (*allocate)(ULONG, SIZE_T, ULONG),
    void (*free)(PVOID), ULONG flags, SIZE_T size, ULONG tag, USHORT depth);
NTKERNELAPI void ExDeleteNPagedLookasideList(LOOKASIDE_LIST *list);
NTKERNELAPI PVOID ExAllocateTimer(EXT_CALLBACK *callback, PVOID context, ULONG attributes);
NTKERNELAPI BOOLEAN ExSetTimer(PVOID timer, LONGLONG due, LONGLONG period, PVOID parameters);
NTKERNELAPI BOOLEAN ExCancelTimer(PVOID timer, PVOID parameters);
NTKERNELAPI BOOLEAN ExDeleteTimer(PVOID timer, BOOLEAN cancel, BOOLEAN wait, EXT_DELETE_PARAMETERS *parameters);
NTKERNELAPI NTSTATUS ExCreateCallback(PVOID *object, POBJECT_ATTRIBUTES attributes, BOOLEAN create, BOOLEAN multiple);
NTKERNELAPI PVOID ExRegisterCallback(PVOID object, CALLBACK_FUNCTION *function, PVOID context);
NTKERNELAPI void ExUnregisterCallback(PVOID registration);
NTKERNELAPI BOOLEAN KeSynchronizeExecution(PVOID interrupt, BOOLEAN (*routine)(PVOID), PVOID context);
NTKERNELAPI KIRQL KeAcquireInterruptSpinLock(PVOID interrupt);
NTKERNELAPI void KeReleaseInterruptSpinLock(PVOID interrupt, KIRQL before);

/* These are not among the kernel routines that the mini WDK lets a driver link to: asked for by name. */
static PVOID routine_named(PCWSTR text)
{
    UNICODE_STRING name;
    RtlInitUnicodeString(&name, text);
    return MmGetSystemRoutineAddress(&name);
}

#define EXPECT(condition)    \
    do {                     \
        if (!(condition)) {  \
            return __LINE__; \
        }                    \
    } while (0)
