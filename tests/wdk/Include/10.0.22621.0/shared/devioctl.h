/* Device types and device control codes. */
#ifndef MINI_DEVIOCTL_H
#define MINI_DEVIOCTL_H

/* learn.microsoft.com/windows-hardware/drivers/kernel/specifying-device-types */
#define DEVICE_TYPE ULONG
#define FILE_DEVICE_BUS_EXTENDER     42
#define FILE_DEVICE_CONTROLLER       4
#define FILE_DEVICE_NETWORK          18
#define FILE_DEVICE_NULL             21
#define FILE_DEVICE_PHYSICAL_NETCARD 23
#define FILE_DEVICE_UNKNOWN          34
#define FILE_DEVICE_VMBUS            62

/* learn.microsoft.com/windows-hardware/drivers/kernel/defining-i-o-control-codes */
#define CTL_CODE(device, function, method, access) \
    (((device) << 16) | ((access) << 14) | ((function) << 2) | (method))
#define DEVICE_TYPE_FROM_CTL_CODE(code) (((ULONG)((code) & 0xffff0000)) >> 16)
#define METHOD_FROM_CTL_CODE(code) ((ULONG)((code) & 3))
#define METHOD_BUFFERED     0
#define METHOD_IN_DIRECT    1
#define METHOD_OUT_DIRECT   2
#define METHOD_NEITHER      3
#define FILE_ANY_ACCESS     0
#define FILE_SPECIAL_ACCESS 0
#define FILE_READ_ACCESS    1
#define FILE_WRITE_ACCESS   2

#endif
