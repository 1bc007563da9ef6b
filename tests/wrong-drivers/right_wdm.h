/* A right WDM function driver. A wrong one replaces a single routine of it, so that nothing else differs:
 *
 *     #define DURING_CONTROL read_null
 *     #include "../right_wdm.h"
 *
 *     static void read_null(PDEVICE_OBJECT device, PIRP irp) { ... }
 *
 * DURING_CONTROL    called for each IRP_MJ_DEVICE_CONTROL before it is completed
 * CONTROL           the dispatch routine of IRP_MJ_DEVICE_CONTROL
 * INTERNAL_CONTROL  the dispatch routine of IRP_MJ_INTERNAL_DEVICE_CONTROL
 * AFTER_ENTRY       called at the end of DriverEntry, which returns what it returns
 * AFTER_ADD         called at the end of the add-device routine, with the new device
 * AFTER_START       called when the device has been started below; the IRP is completed with what it returns
 * REMOVE            what is done with IRP_MN_REMOVE_DEVICE
 * UNLOAD            the unload routine
 */
#ifndef RIGHT_WDM_H
#define RIGHT_WDM_H

#include <ntddk.h>
#include <ntstatus.h>

#define TAG 'gnrW'
#define INITIALIZATION __attribute__((section("INIT")))

typedef struct {
    PDEVICE_OBJECT lower;
} EXTENSION;

#ifdef DURING_CONTROL
static void DURING_CONTROL(PDEVICE_OBJECT device, PIRP irp);
#endif
#ifdef AFTER_ENTRY
static NTSTATUS AFTER_ENTRY(PDRIVER_OBJECT driver);
#endif
#ifdef AFTER_ADD
static void AFTER_ADD(PDEVICE_OBJECT device);
#endif
#ifdef AFTER_START
static NTSTATUS AFTER_START(PDEVICE_OBJECT device);
#endif
#ifndef CONTROL
#define CONTROL control
#endif
#ifndef INTERNAL_CONTROL
#define INTERNAL_CONTROL control
#endif
#ifndef REMOVE
#define REMOVE remove_device
#endif
#ifndef UNLOAD
#define UNLOAD unload
#endif
static DRIVER_DISPATCH CONTROL, INTERNAL_CONTROL, REMOVE;
static DRIVER_UNLOAD UNLOAD;

FORCEINLINE PDEVICE_OBJECT lower_device(PDEVICE_OBJECT device)
{
    return ((EXTENSION *)device->DeviceExtension)->lower;
}

FORCEINLINE NTSTATUS complete(PIRP irp, NTSTATUS status)
{
    irp->IoStatus.Status = status;
    irp->IoStatus.Information = 0;
    IoCompleteRequest(irp, IO_NO_INCREMENT);
    return status;
}

static __attribute__((unused)) NTSTATUS control(PDEVICE_OBJECT device, PIRP irp)
{
#ifdef DURING_CONTROL
    if (IoGetCurrentIrpStackLocation(irp)->MajorFunction == IRP_MJ_DEVICE_CONTROL) {
        DURING_CONTROL(device, irp);
    }
#endif
    return complete(irp, STATUS_SUCCESS);
}

static __attribute__((unused)) void unload(PDRIVER_OBJECT driver)
{
}

static NTSTATUS open_or_close(PDEVICE_OBJECT device, PIRP irp)
{
    return complete(irp, STATUS_SUCCESS);
}

static NTSTATUS pass_down(PDEVICE_OBJECT device, PIRP irp)
{
    IoSkipCurrentIrpStackLocation(irp);
    return IoCallDriver(lower_device(device), irp);
}

static __attribute__((unused)) NTSTATUS remove_device(PDEVICE_OBJECT device, PIRP irp)
{
    PDEVICE_OBJECT lower = lower_device(device);
    irp->IoStatus.Status = STATUS_SUCCESS;
    NTSTATUS status = pass_down(device, irp);
    IoDetachDevice(lower);
    IoDeleteDevice(device);
    return status;
}

static NTSTATUS plug_and_play(PDEVICE_OBJECT device, PIRP irp)
{
    switch (IoGetCurrentIrpStackLocation(irp)->MinorFunction) {
    case IRP_MN_START_DEVICE:
        if (!IoForwardIrpSynchronously(lower_device(device), irp)) {
            return complete(irp, STATUS_UNSUCCESSFUL);
        }
#ifdef AFTER_START
        if (NT_SUCCESS(irp->IoStatus.Status)) {
            return complete(irp, AFTER_START(device));
        }
#endif
        return complete(irp, irp->IoStatus.Status);
    case IRP_MN_REMOVE_DEVICE:
        return REMOVE(device, irp);
    case IRP_MN_QUERY_STOP_DEVICE:
    case IRP_MN_CANCEL_STOP_DEVICE:
    case IRP_MN_STOP_DEVICE:
    case IRP_MN_QUERY_REMOVE_DEVICE:
    case IRP_MN_CANCEL_REMOVE_DEVICE:
    case IRP_MN_SURPRISE_REMOVAL:
        irp->IoStatus.Status = STATUS_SUCCESS;
        return pass_down(device, irp);
    default:
        return pass_down(device, irp);
    }
}

static NTSTATUS add_device(PDRIVER_OBJECT driver, PDEVICE_OBJECT physical_device)
{
    PDEVICE_OBJECT device;
    NTSTATUS status = IoCreateDevice(driver, sizeof(EXTENSION), NULL, FILE_DEVICE_UNKNOWN, FILE_DEVICE_SECURE_OPEN,
        FALSE, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    EXTENSION *extension = device->DeviceExtension;
    extension->lower = IoAttachDeviceToDeviceStack(device, physical_device);
    if (extension->lower == NULL) {
        IoDeleteDevice(device);
        return STATUS_UNSUCCESSFUL;
    }
    device->Flags |= DO_POWER_PAGABLE;
    device->Flags &= ~DO_DEVICE_INITIALIZING;
#ifdef AFTER_ADD
    AFTER_ADD(device);
#endif
    return STATUS_SUCCESS;
}

INITIALIZATION NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    for (int major = 0; major <= IRP_MJ_MAXIMUM_FUNCTION; major++) {
        driver->MajorFunction[major] = pass_down;
    }
    driver->MajorFunction[IRP_MJ_CREATE] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLEANUP] = open_or_close;
    driver->MajorFunction[IRP_MJ_CLOSE] = open_or_close;
    driver->MajorFunction[IRP_MJ_DEVICE_CONTROL] = CONTROL;
    driver->MajorFunction[IRP_MJ_INTERNAL_DEVICE_CONTROL] = INTERNAL_CONTROL;
    driver->MajorFunction[IRP_MJ_PNP] = plug_and_play;
    driver->DriverExtension->AddDevice = add_device;
    driver->DriverUnload = UNLOAD;
#ifdef AFTER_ENTRY
    return AFTER_ENTRY(driver);
#else
    return STATUS_SUCCESS;
#endif
}

#endif
