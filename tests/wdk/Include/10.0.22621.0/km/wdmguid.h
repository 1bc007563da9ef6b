/* GUIDs of the bus drivers' interfaces. */
#ifndef MINI_WDMGUID_H
#define MINI_WDMGUID_H

#include "guiddef.h"

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdm/ns-wdm-_pci_virtualization_interface */
DEFINE_GUID(GUID_PCI_VIRTUALIZATION_INTERFACE, 0x64897b47, 0x3a4a, 0x4d75, 0xbc, 0x74, 0x89, 0xdd, 0x6c, 0x07, 0x82,
    0x93);

/* learn.microsoft.com/windows-hardware/drivers/ddi/wdm/ns-wdm-_bus_interface_standard */
DEFINE_GUID(GUID_BUS_INTERFACE_STANDARD, 0x496b8280, 0x6f25, 0x11d0, 0xbe, 0xaf, 0x08, 0x00, 0x2b, 0xe2, 0x09, 0x2f);

#endif
