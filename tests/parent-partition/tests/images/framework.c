/* A framework image of the smallest kind: it registers itself, is commissioned, and serves two functions to its clients.

   What it does otherwise is chosen when it is compiled. */
#include <ntifs.h>
#include <ntstatus.h>
#include <wdfbindinfo.h>

#define TAG 'wrFT'
#define FUNCTIONS 2

#ifndef MINOR
#define MINOR 33
#endif
#ifndef REGISTRATIONS
#define REGISTRATIONS 1
#endif
#ifndef SIZE
#define SIZE sizeof(LIBRARY_INFO)
#endif
#ifndef ENTRY_STATUS
#define ENTRY_STATUS STATUS_SUCCESS
#endif
#ifndef COMMISSION_STATUS
#define COMMISSION_STATUS STATUS_SUCCESS
#endif
#ifndef CLIENT_STATUS
#define CLIENT_STATUS STATUS_SUCCESS
#endif

typedef struct {
    ULONG size;
    PDRIVER_OBJECT driver;
} GLOBALS;

typedef struct {
    ULONG size;
    PUNICODE_STRING registry_path;
    PDRIVER_OBJECT driver;
} CLIENT_INFO;

typedef struct {
    ULONG size;
    NTSTATUS (*commission)(void);
    NTSTATUS (*decommission)(void);
    NTSTATUS (*register_client)(PWDF_BIND_INFO info, GLOBALS **globals, CLIENT_INFO **client);
    NTSTATUS (*unregister_client)(PWDF_BIND_INFO info, GLOBALS *globals);
    WDF_BIND_VERSION version;
} LIBRARY_INFO;

NTSTATUS WdfRegisterLibrary(LIBRARY_INFO *library, PUNICODE_STRING service, PUNICODE_STRING device);

static PVOID commissioned;
static LONG clients;

/* ---- what clients call */

static LONG count_clients(void)
{
    return clients;
}

static PDRIVER_OBJECT driver_of(GLOBALS *globals)
{
    return globals->driver;
}

static const WDFFUNC functions[FUNCTIONS] = {(WDFFUNC)count_clients, (WDFFUNC)driver_of};

/* ---- what the loader calls */

static NTSTATUS commission(void)
{
    if (!NT_SUCCESS(COMMISSION_STATUS)) {
        return COMMISSION_STATUS;
    }
    commissioned = ExAllocatePool2(POOL_FLAG_NON_PAGED, 64, TAG);
    return commissioned == NULL ? STATUS_INSUFFICIENT_RESOURCES : STATUS_SUCCESS;
}

static NTSTATUS decommission(void)
{
    if (clients != 0) {
        return STATUS_DEVICE_BUSY;
    }
    ExFreePoolWithTag(commissioned, TAG);
    return STATUS_SUCCESS;
}

static NTSTATUS register_client(PWDF_BIND_INFO info, GLOBALS **globals, CLIENT_INFO **client)
{
    if (commissioned == NULL || (*client)->size != sizeof(CLIENT_INFO) || (*client)->registry_path->Length == 0) {
        return STATUS_INVALID_PARAMETER;
    }
    if (info->FuncCount > FUNCTIONS) {
        return STATUS_NOT_SUPPORTED;
    }
    if (!NT_SUCCESS(CLIENT_STATUS)) {
        return CLIENT_STATUS;
    }
    *globals = ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(GLOBALS), TAG);
    (*globals)->size = sizeof(GLOBALS);
    (*globals)->driver = (*client)->driver;
    *info->FuncTable = functions;
    clients++;
    return STATUS_SUCCESS;
}

static NTSTATUS unregister_client(PWDF_BIND_INFO info, GLOBALS *globals)
{
#ifndef KEEP_GLOBALS
    ExFreePoolWithTag(globals, TAG);
#endif
    *info->FuncTable = NULL;
    clients--;
    return STATUS_SUCCESS;
}

static LIBRARY_INFO library = {
    SIZE, commission, decommission, register_client, unregister_client, {1, MINOR, 7},
};

static void unload(PDRIVER_OBJECT driver)
{
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    UNICODE_STRING device = RTL_CONSTANT_STRING(L"\\Device\\SmallFramework");
    NTSTATUS status = ENTRY_STATUS;
    driver->DriverUnload = unload;
    for (int turn = 0; turn < REGISTRATIONS && NT_SUCCESS(status); turn++) {
        status = WdfRegisterLibrary(&library, registry_path, &device);
    }
    return status;
}

#ifdef NO_LIBRARY
NTSTATUS WdfRegisterLibrary(LIBRARY_INFO *library, PUNICODE_STRING service, PUNICODE_STRING device)
{
    return STATUS_SUCCESS;
}
#endif

#ifdef CALLS_WHAT_DOES_NOT_EXIST
void ZwDoesNotExist(void);

void CallsWhatDoesNotExist(void)
{
    ZwDoesNotExist();
}
#endif
