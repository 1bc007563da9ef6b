/* A right KMDF function driver. A wrong one replaces a single routine of it, so that nothing else differs:
 *
 *     #define DURING_CONTROL pass_null_handle
 *     #include "../right_kmdf.h"
 *
 *     static void pass_null_handle(WDFDEVICE device, WDFREQUEST request) { ... }
 *
 * DURING_CONTROL  called for each device control request before it is completed
 * CONTROL         the queue's routine for device control requests
 * BEFORE_DEVICE   called with what the device is made of
 * QUEUE_CONFIG    called with the queue's configuration before the queue is made
 * DURING_ADD      called when the device has been made
 * UNLOAD          the driver's unload routine
 */
#ifndef RIGHT_KMDF_H
#define RIGHT_KMDF_H

#include <ntddk.h>
#include <ntstatus.h>
#include <wdf.h>

#define TAG 'gnrW'
#define INITIALIZATION __attribute__((section("INIT")))

#ifdef DURING_CONTROL
static void DURING_CONTROL(WDFDEVICE device, WDFREQUEST request);
#endif
#ifdef BEFORE_DEVICE
static void BEFORE_DEVICE(PWDFDEVICE_INIT init);
#endif
#ifdef QUEUE_CONFIG
static void QUEUE_CONFIG(WDF_IO_QUEUE_CONFIG *config);
#endif
#ifdef DURING_ADD
static void DURING_ADD(WDFDEVICE device);
#endif
#ifndef CONTROL
#define CONTROL control
#endif
#ifndef UNLOAD
#define UNLOAD unload
#endif
static EVT_WDF_IO_QUEUE_IO_DEVICE_CONTROL CONTROL;
static EVT_WDF_DRIVER_UNLOAD UNLOAD;

static __attribute__((unused)) void control(WDFQUEUE queue, WDFREQUEST request, size_t output_length,
    size_t input_length, ULONG code)
{
#ifdef DURING_CONTROL
    DURING_CONTROL(WdfIoQueueGetDevice(queue), request);
#endif
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static void internal_control(WDFQUEUE queue, WDFREQUEST request, size_t output_length, size_t input_length, ULONG code)
{
    WdfRequestComplete(request, STATUS_SUCCESS);
}

static __attribute__((unused)) void unload(WDFDRIVER driver)
{
}

static NTSTATUS add_device(WDFDRIVER driver, PWDFDEVICE_INIT init)
{
    WDFDEVICE device;
#ifdef BEFORE_DEVICE
    BEFORE_DEVICE(init);
#endif
    NTSTATUS status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &device);
    if (!NT_SUCCESS(status)) {
        return status;
    }
    WDF_IO_QUEUE_CONFIG config;
    WDF_IO_QUEUE_CONFIG_INIT_DEFAULT_QUEUE(&config, WdfIoQueueDispatchSequential);
#ifdef QUEUE_CONFIG
    QUEUE_CONFIG(&config);
#endif
    config.EvtIoDeviceControl = CONTROL;
    config.EvtIoInternalDeviceControl = internal_control;
    status = WdfIoQueueCreate(device, &config, WDF_NO_OBJECT_ATTRIBUTES, WDF_NO_HANDLE);
#ifdef DURING_ADD
    DURING_ADD(device);
#endif
    return status;
}

INITIALIZATION NTSTATUS DriverEntry(PDRIVER_OBJECT driver, PUNICODE_STRING registry_path)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, add_device);
    config.EvtDriverUnload = UNLOAD;
    return WdfDriverCreate(driver, registry_path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

#endif
