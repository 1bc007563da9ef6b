/* The second part of verify.c: what objects are made of. */
#ifndef MISUSE_OF_CONFIGURATIONS_H
#define MISUSE_OF_CONFIGURATIONS_H

IN_DEVICE(size_queue)
{
    WDF_IO_QUEUE_CONFIG config;
    WDFQUEUE refused;
    WDF_IO_QUEUE_CONFIG_INIT(&config, WdfIoQueueDispatchManual);
    config.Size--;
    CALL_FOR_STATUS("WdfIoQueueCreate with a wrong Size", WdfIoQueueCreate(device, &config, NULL, &refused));
}

IN_DEVICE(size_attributes)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.Size = 3;
    CALL_FOR_STATUS("WdfObjectCreate with a wrong attributes Size", WdfObjectCreate(&attributes, &object));
}

IN_DEVICE(object_null_attributes)
{
    CALL_FOR_STATUS("WdfObjectCreate with NULL attributes", WdfObjectCreate(NULL, &object));
}

IN_DEVICE(object_execution_level)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    attributes.ExecutionLevel = WdfExecutionLevelPassive;
    CALL_FOR_STATUS("WdfObjectCreate with an execution level", WdfObjectCreate(&attributes, &object));
}

IN_DEVICE(size_timer)
{
    WDF_TIMER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG_INIT(&config, never_expires);
    config.Size = 1;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    CALL_FOR_STATUS("WdfTimerCreate with a wrong Size", WdfTimerCreate(&config, &attributes, &timer));
}

IN_DEVICE(timer_no_parent)
{
    WDF_TIMER_CONFIG config;
    WDF_TIMER_CONFIG_INIT(&config, never_expires);
    CALL_FOR_STATUS("WdfTimerCreate without a parent", WdfTimerCreate(&config, NULL, &timer));
}

IN_DEVICE(timer_driver_parent)
{
    WDF_TIMER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_TIMER_CONFIG_INIT(&config, never_expires);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = WdfDeviceGetDriver(device);
    CALL_FOR_STATUS("WdfTimerCreate with the driver as parent", WdfTimerCreate(&config, &attributes, &timer));
}

IN_DEVICE(memory_zero)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFMEMORY memory;
    PVOID buffer;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    CALL_FOR_STATUS("WdfMemoryCreate of 0 bytes",
        WdfMemoryCreate(&attributes, NonPagedPoolNx, 0, 0, &memory, &buffer));
}

IN_DEVICE(queue_null_config)
{
    WDFQUEUE refused;
    CALL_FOR_STATUS("WdfIoQueueCreate with a NULL config", WdfIoQueueCreate(device, NULL, NULL, &refused));
}

IN_DEVICE(device_null_init)
{
    PWDFDEVICE_INIT none = NULL;
    WDFDEVICE refused;
    CALL_FOR_STATUS("WdfDeviceCreate with a NULL init", WdfDeviceCreate(&none, NULL, &refused));
}

IN_ENTRY(driver_twice)
{
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, device_add);
    CALL_FOR_STATUS("WdfDriverCreate again",
        WdfDriverCreate(driver_object, path, NULL, &config, WDF_NO_HANDLE));
    return STATUS_SUCCESS;
}

IN_ENTRY(leak_driver_object)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFOBJECT leaked = NULL;
    NTSTATUS status;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    status = WdfObjectCreate(&attributes, &leaked);
    TraceBind(leaked, "leaked");
    WdfObjectReference(leaked);
    line("'note':'an object with a leaked reference under the driver'");
    return status;
}

#endif
