/* Calls the routine that it is handed. */
#include <ntifs.h>

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    return STATUS_SUCCESS;
}

__declspec(dllexport) void CallsARoutine(void (*routine)(void))
{
    routine();
}
