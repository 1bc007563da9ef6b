/* A right driver of a physical function: every block reads as zeroes and may be written. A wrong one replaces a single
 * routine of it:
 *
 *     #define READ_BLOCK leave_unfilled
 *     #include "../right_pf.h"
 *
 *     static NTSTATUS leave_unfilled(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length) { ... }
 *
 * READ_BLOCK   the interface's ReadVfConfigBlock
 * WRITE_BLOCK  the interface's WriteVfConfigBlock
 * REFERENCE    the interface's InterfaceReference
 * OFFERED_SIZE the interface's Size
 */
#ifndef RIGHT_PF_H
#define RIGHT_PF_H

#define DURING_ADD offer_interface
#include "right_kmdf.h"
#include <initguid.h>
#include <pcivirt.h>

#ifndef READ_BLOCK
#define READ_BLOCK read_block
#endif
#ifndef WRITE_BLOCK
#define WRITE_BLOCK write_block
#endif
#ifndef OFFERED_SIZE
#define OFFERED_SIZE sizeof(SRIOV_DEVICE_INTERFACE_STANDARD)
#endif
#ifndef REFERENCE
#define REFERENCE nothing_to_count
#endif
static SRIOV_READ_BLOCK READ_BLOCK;
static SRIOV_WRITE_BLOCK WRITE_BLOCK;
static void REFERENCE(PVOID context);

static __attribute__((unused)) NTSTATUS read_block(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    RtlZeroMemory(buffer, length);
    return STATUS_SUCCESS;
}

static __attribute__((unused)) NTSTATUS write_block(PVOID context, USHORT vf, ULONG block, PVOID buffer, ULONG length)
{
    return STATUS_SUCCESS;
}

static void nothing_to_count(PVOID context)
{
}

static void offer_interface(WDFDEVICE device)
{
    SRIOV_DEVICE_INTERFACE_STANDARD offered;
    WDF_QUERY_INTERFACE_CONFIG config;
    RtlZeroMemory(&offered, sizeof(offered));
    offered.Size = OFFERED_SIZE;
    offered.Version = 1;
    offered.Context = device;
    offered.InterfaceReference = REFERENCE;
    offered.InterfaceDereference = nothing_to_count;
    offered.ReadVfConfigBlock = READ_BLOCK;
    offered.WriteVfConfigBlock = WRITE_BLOCK;
    WDF_QUERY_INTERFACE_CONFIG_INIT(&config, (PINTERFACE)&offered, &GUID_SRIOV_DEVICE_INTERFACE_STANDARD, NULL);
    (void)WdfDeviceAddQueryInterface(device, &config);
    (void)WdfDeviceCreateDeviceInterface(device, &GUID_DEVINTERFACE_VIRTUALIZABLE_DEVICE, NULL);
}

#endif
