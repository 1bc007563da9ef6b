/* Integers of the size of a pointer, for x64 only. */
#ifndef MINI_BASETSD_H
#define MINI_BASETSD_H

/* No type here is a C `long`: its size differs between Windows and other targets. */
typedef unsigned long long ULONG_PTR, *PULONG_PTR;
typedef long long LONG_PTR, *PLONG_PTR;
typedef ULONG_PTR SIZE_T, *PSIZE_T;
typedef ULONG_PTR KAFFINITY, *PKAFFINITY;

typedef unsigned char UINT8, *PUINT8;
typedef unsigned short UINT16, *PUINT16;
typedef signed int INT32, *PINT32;
typedef unsigned int UINT32, *PUINT32;
typedef long long INT64, *PINT64;
typedef unsigned long long UINT64, *PUINT64;
typedef long long LONG64, *PLONG64;
typedef unsigned long long ULONG64, *PULONG64;

#endif
