/* A driver that binds itself to the framework, as the entry stub does for others; it adds no device. */
#include <ntifs.h>
#include <ntstatus.h>
#include <wdfbindinfo.h>

#define EXPORTED __declspec(dllexport)

#ifndef COMPONENT
#define COMPONENT L"KmdfLibrary"
#endif
#ifndef MAJOR
#define MAJOR 1
#endif

typedef struct {
    ULONG size;
    PWSTR name;
} CLASS_BIND_INFO;

NTSTATUS WdfVersionBindClass(PWDF_BIND_INFO info, PWDF_DRIVER_GLOBALS globals, CLASS_BIND_INFO *class_info);
NTSTATUS WdfRegisterLibrary(PVOID library, PUNICODE_STRING service, PUNICODE_STRING device);

static PDRIVER_OBJECT self;
static PWDF_DRIVER_GLOBALS globals;
static const WDFFUNC *functions;
static WDF_BIND_INFO info = {sizeof(info), COMPONENT, {MAJOR, 33, 0}, 2, &functions, NULL};

EXPORTED LONG Clients(void)
{
    return ((LONG (*)(void))functions[0])();
}

EXPORTED ULONG IsKnownByItsDriverObject(void)
{
    return ((PDRIVER_OBJECT (*)(PWDF_DRIVER_GLOBALS))functions[1])(globals) == self;
}

EXPORTED ULONG AsksWithoutGlobals(void)
{
    return ((PDRIVER_OBJECT (*)(PWDF_DRIVER_GLOBALS))functions[1])(NULL) == self;
}

EXPORTED void BindsAClass(void)
{
    CLASS_BIND_INFO class_info = {sizeof(class_info), L"SmallClass"};
    WdfVersionBindClass(&info, globals, &class_info);
}

EXPORTED void RegistersAsAFramework(void)
{
    struct {
        ULONG size;
        PVOID callbacks[4];
        WDF_BIND_VERSION version;
    } library = {sizeof(library), {NULL}, {1, 33, 0}};
    WdfRegisterLibrary(&library, NULL, NULL);
}

static NTSTATUS add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical)
{
    return STATUS_NOT_SUPPORTED;
}

static void unload(PDRIVER_OBJECT driver)
{
    UNICODE_STRING none = {0};
    WdfVersionUnbind(&none, &info, globals);
}

NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    self = driver;
    driver->DriverUnload = unload;
    driver->DriverExtension->AddDevice = add_device;
    return WdfVersionBind(driver, registry_path, &info, &globals);
}
