/* The base types of NT: integers, strings, lists, handles, object attributes. */
#ifndef MINI_NTDEF_H
#define MINI_NTDEF_H

#include "crt_types.h"
#include "basetsd.h"
#include "sal.h"
#include "guiddef.h"

#ifdef __cplusplus
extern "C" {
#endif

#define FALSE 0
#define TRUE 1
#undef NULL
#ifdef __cplusplus
#define NULL 0
#else
#define NULL ((void *)0)
#endif

#define NTAPI
#define FASTCALL
#define NTKERNELAPI
#define NTSYSAPI
#define FORCEINLINE static __inline__ __attribute__((always_inline, unused))
#define DECLSPEC_NORETURN __attribute__((noreturn))
#define DECLSPEC_ALIGN(bytes) __attribute__((aligned(bytes)))
#define POINTER_ALIGNMENT DECLSPEC_ALIGN(8)
#define UNREFERENCED_PARAMETER(parameter) ((void)(parameter))
#define FIELD_OFFSET(type, field) ((LONG)__builtin_offsetof(type, field))
#define RTL_NUMBER_OF(array) (sizeof(array) / sizeof((array)[0]))
#define ARRAYSIZE(array) RTL_NUMBER_OF(array)
#ifdef __cplusplus
#define C_ASSERT(condition) static_assert(condition, #condition)
#else
#define C_ASSERT(condition) _Static_assert(condition, #condition)
#endif
#define CONTAINING_RECORD(address, type, field) \
    ((type *)((PCHAR)(address) - __builtin_offsetof(type, field)))

/* learn.microsoft.com/windows-hardware/drivers/kernel/windows-kernel-mode-data-types */
#define VOID void
typedef void *PVOID;
typedef PVOID HANDLE, *PHANDLE;
typedef char CHAR, CCHAR, *PCHAR, *PCH, *PSTR;
typedef const char *PCSTR, *PCCH, *PCSZ;
typedef unsigned char UCHAR, *PUCHAR;
typedef UCHAR BOOLEAN, *PBOOLEAN;
typedef short SHORT, CSHORT, *PSHORT;
typedef unsigned short USHORT, *PUSHORT;
typedef int LONG, *PLONG;
typedef unsigned int ULONG, *PULONG;
typedef long long LONGLONG, *PLONGLONG;
typedef unsigned long long ULONGLONG, *PULONGLONG;
typedef ULONG LOGICAL, *PLOGICAL;
typedef ULONG CLONG, *PCLONG;
typedef ULONG LCID;
typedef ULONG ACCESS_MASK, *PACCESS_MASK;
typedef LONG NTSTATUS, *PNTSTATUS;
typedef LONG KPRIORITY;
typedef UCHAR KIRQL, *PKIRQL;
typedef CCHAR KPROCESSOR_MODE;

/* A target whose own wchar_t is wider can have L"" literals with -fshort-wchar. */
#if __SIZEOF_WCHAR_T__ == 2
typedef wchar_t WCHAR;
#else
typedef unsigned short WCHAR;
#endif
typedef WCHAR *PWCHAR, *PWCH, *PWSTR, *PZZWSTR;
typedef const WCHAR *PCWCH, *PCWSTR;

#define NT_SUCCESS(status) (((NTSTATUS)(status)) >= 0)

/* learn.microsoft.com/windows/win32/api/subauth/ns-subauth-unicode_string */
typedef struct _UNICODE_STRING {
    USHORT Length;
    USHORT MaximumLength;
    PWCH Buffer;
} UNICODE_STRING, *PUNICODE_STRING;
typedef const UNICODE_STRING *PCUNICODE_STRING;

typedef struct _STRING {
    USHORT Length;
    USHORT MaximumLength;
    PCHAR Buffer;
} STRING, ANSI_STRING, *PSTRING, *PANSI_STRING;
typedef const STRING *PCANSI_STRING;

#define DECLARE_CONST_UNICODE_STRING(name, text)                           \
    const WCHAR name##_buffer[] = text;                                    \
    const UNICODE_STRING name = {sizeof(text) - sizeof(WCHAR), sizeof(text), \
                                 (PWCH)name##_buffer}
#define RTL_CONSTANT_STRING(text) {sizeof(text) - sizeof((text)[0]), sizeof(text), (PWCH)(text)}

/* learn.microsoft.com/windows/win32/api/winnt/ns-winnt-large_integer-r1 */
typedef union _LARGE_INTEGER {
    struct {
        ULONG LowPart;
        LONG HighPart;
    };
    struct {
        ULONG LowPart;
        LONG HighPart;
    } u;
    LONGLONG QuadPart;
} LARGE_INTEGER, *PLARGE_INTEGER;

typedef union _ULARGE_INTEGER {
    struct {
        ULONG LowPart;
        ULONG HighPart;
    };
    struct {
        ULONG LowPart;
        ULONG HighPart;
    } u;
    ULONGLONG QuadPart;
} ULARGE_INTEGER, *PULARGE_INTEGER;

typedef LARGE_INTEGER PHYSICAL_ADDRESS, *PPHYSICAL_ADDRESS;

/* learn.microsoft.com/windows/win32/api/winnt/ns-winnt-luid */
typedef struct _LUID {
    ULONG LowPart;
    LONG HighPart;
} LUID, *PLUID;

/* learn.microsoft.com/windows-hardware/drivers/kernel/singly-and-doubly-linked-lists */
typedef struct _LIST_ENTRY {
    struct _LIST_ENTRY *Flink;
    struct _LIST_ENTRY *Blink;
} LIST_ENTRY, *PLIST_ENTRY;

typedef struct _SINGLE_LIST_ENTRY {
    struct _SINGLE_LIST_ENTRY *Next;
} SINGLE_LIST_ENTRY, *PSINGLE_LIST_ENTRY;

/* learn.microsoft.com/windows/win32/api/winnt/ns-winnt-group_affinity */
typedef struct _GROUP_AFFINITY {
    KAFFINITY Mask;
    USHORT Group;
    USHORT Reserved[3];
} GROUP_AFFINITY, *PGROUP_AFFINITY;

typedef struct _PROCESSOR_NUMBER {
    USHORT Group;
    UCHAR Number;
    UCHAR Reserved;
} PROCESSOR_NUMBER, *PPROCESSOR_NUMBER;

/* learn.microsoft.com/windows/win32/api/ntdef/ns-ntdef-_object_attributes */
typedef struct _OBJECT_ATTRIBUTES {
    ULONG Length;
    HANDLE RootDirectory;
    PUNICODE_STRING ObjectName;
    ULONG Attributes;
    PVOID SecurityDescriptor;
    PVOID SecurityQualityOfService;
} OBJECT_ATTRIBUTES, *POBJECT_ATTRIBUTES;

#define OBJ_HANDLE_TAGBITS                3
#define OBJ_INHERIT                       2
#define OBJ_PERMANENT                     16
#define OBJ_EXCLUSIVE                     32
#define OBJ_CASE_INSENSITIVE              64
#define OBJ_OPENIF                        128
#define OBJ_OPENLINK                      256
#define OBJ_KERNEL_HANDLE                 512
#define OBJ_FORCE_ACCESS_CHECK            1024
#define OBJ_IGNORE_IMPERSONATED_DEVICEMAP 2048
#define OBJ_DONT_REPARSE                  4096
#define OBJ_VALID_ATTRIBUTES              8178

#define InitializeObjectAttributes(object, name, attributes, root, security)    \
    ((object)->Length = sizeof(OBJECT_ATTRIBUTES), (object)->RootDirectory = (root), \
     (object)->ObjectName = (name), (object)->Attributes = (attributes),        \
     (object)->SecurityDescriptor = (security), (object)->SecurityQualityOfService = NULL)

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdm/ne-wdm-_event_type and its neighbours */
typedef enum _EVENT_TYPE {
    NotificationEvent = 0,
    SynchronizationEvent = 1
} EVENT_TYPE, *PEVENT_TYPE;

typedef enum _TIMER_TYPE {
    NotificationTimer = 0,
    SynchronizationTimer = 1
} TIMER_TYPE, *PTIMER_TYPE;

typedef enum _WAIT_TYPE {
    WaitAll = 0,
    WaitAny = 1,
    WaitNotification = 2,
    WaitDequeue = 3,
    WaitDpc = 4
} WAIT_TYPE, *PWAIT_TYPE;

#ifdef __cplusplus
}
#endif

#endif
