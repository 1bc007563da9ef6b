/* Wrong: makes a work item at DISPATCH_LEVEL. */
#define DURING_CONTROL create_at_dispatch
#include "../right_kmdf.h"

static void work(WDFWORKITEM item)
{
}

static void create_at_dispatch(WDFDEVICE device, WDFREQUEST request)
{
    WDF_OBJECT_ATTRIBUTES attributes;
    WDF_WORKITEM_CONFIG config;
    WDFWORKITEM item;
    KIRQL level;
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.ParentObject = device;
    WDF_WORKITEM_CONFIG_INIT(&config, work);
    KeRaiseIrql(DISPATCH_LEVEL, &level);
    (void)WdfWorkItemCreate(&config, &attributes, &item);
    KeLowerIrql(level);
}
