/* GUIDs. */
#ifndef MINI_GUIDDEF_H
#define MINI_GUIDDEF_H

/* learn.microsoft.com/windows-hardware/drivers/kernel/defining-and-exporting-new-guids */
typedef struct _GUID {
    unsigned int Data1;
    unsigned short Data2;
    unsigned short Data3;
    unsigned char Data4[8];
} GUID;

typedef GUID *LPGUID;
typedef const GUID *LPCGUID;
typedef GUID UUID;

#ifdef __cplusplus
#define MINI_GUID_DECLARED extern "C"
#define MINI_GUID_DEFINED extern "C"
#else
#define MINI_GUID_DECLARED extern
#define MINI_GUID_DEFINED
#endif

#ifdef _WIN32
#define MINI_GUID_SHARED __declspec(selectany)
#else
#define MINI_GUID_SHARED __attribute__((weak))
#endif

#endif

/* Outside the guard: initguid.h, included later, makes DEFINE_GUID define what it declared before. */
#undef DEFINE_GUID
#ifdef INITGUID
#define DEFINE_GUID(name, a, b, c, d0, d1, d2, d3, d4, d5, d6, d7) \
    MINI_GUID_DEFINED const GUID MINI_GUID_SHARED name = {a, b, c, {d0, d1, d2, d3, d4, d5, d6, d7}}
#else
#define DEFINE_GUID(name, a, b, c, d0, d1, d2, d3, d4, d5, d6, d7) MINI_GUID_DECLARED const GUID name
#endif
