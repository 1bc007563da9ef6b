/* The program that plays a probe: lines of the trace, and the stimuli of the I/O, PnP and power managers.

   Members of a line come with single quotes for double ones. Every stimulus writes what it does and what its sender
   sees, then lets the other threads run until all wait. */
#ifndef TRACE_H
#define TRACE_H

#include <ntddk.h>
#include <wdf.h>

#define HOST __declspec(dllimport)

/* A request that was sent: the number of its IRP. */
typedef ULONG SENT;

/* Asked before the bus driver answers; not 0 when *answer is the answer. */
typedef int BUS_ANSWER(PIRP irp, PIO_STACK_LOCATION location, NTSTATUS *answer);

HOST void TraceLine(const char *members);
HOST void TraceCallback(const char *name, const char *arguments, const NTSTATUS *returns);
HOST const char *TraceName(const char *kind, const void *object);
HOST void TraceBind(const void *object, const char *name);
HOST void TraceForget(const void *object);
HOST const char *TraceIrp(const void *irp);

HOST NTSTATUS LoadDriver(void);
HOST NTSTATUS AddDevice(void);
HOST void UnloadDriver(void);
HOST void StartWithoutResources(void);
HOST NTSTATUS SendPnp(UCHAR minor, ULONG type);
HOST SENT BeginPnp(UCHAR minor);
HOST NTSTATUS SendPower(UCHAR minor, ULONG type, ULONG state);
HOST NTSTATUS SendQueryInterface(const GUID *guid, USHORT size, USHORT version, void *interface, void *specific);
HOST PFILE_OBJECT SendCreate(void);
HOST void SendCleanup(PFILE_OBJECT file);
HOST void SendClose(PFILE_OBJECT file);
HOST SENT SendIo(UCHAR major, ULONG code, ULONG input, ULONG output, PFILE_OBJECT file, KPROCESSOR_MODE mode);
HOST SENT SendCancelledIo(UCHAR major, ULONG code);
HOST void SendAt(KIRQL irql);
HOST BOOLEAN Cancel(SENT sent);
HOST BOOLEAN HasEnded(SENT sent);
HOST UCHAR OutputByte(SENT sent, ULONG index);
HOST void AnswerAtBus(BUS_ANSWER *answer);
HOST void Settle(void);
HOST void PassTime(ULONG milliseconds);
HOST void RaiseInterrupt(void);

/* One row of the table that a probe exports as Scenarios; the last one has no name. */
struct scenario {
    const char *name;
    void (*play)(void);
};

#endif
