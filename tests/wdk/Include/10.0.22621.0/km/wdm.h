/* The kernel interfaces of a driver model driver, one concept a header. */
#ifndef MINI_WDM_H
#define MINI_WDM_H

#include "nt_irql.h"
#include "nt_dispatcher.h"
#include "nt_lock.h"
#include "nt_memory.h"
#include "nt_rtl.h"
#include "nt_device.h"
#include "nt_irp.h"
#include "nt_power.h"
#include "nt_resource.h"
#include "nt_pnp.h"
#include "nt_stack_location.h"
#include "nt_io.h"
#include "nt_object.h"
#include "nt_debug.h"
#include "nt_pci.h"
#include "devioctl.h"
#include "evntprov.h"
#include "nt_atomic.h"
#include "ntstatus.h"



#endif
