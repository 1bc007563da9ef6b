/* The Kernel-Mode Driver Framework 1.33. */
#ifndef MINI_WDF_H
#define MINI_WDF_H

#include "wdftypes.h"
#include "wdfglobals.h"
#include "wdffuncenum.h"
#include "wdfobject.h"
#include "wdfsync.h"
#include "wdfdriver.h"
#include "wdfstring.h"
#include "wdfcollection.h"
#include "wdfmemory.h"
#include "wdfregistry.h"
#include "wdfresource.h"
#include "wdftimer.h"
#include "wdfworkitem.h"
#include "wdfdpc.h"
#include "wdfinterrupt.h"
#include "wdfpnppower.h"
#include "wdffileobject.h"
#include "wdfqueryinterface.h"
#include "wdfpower.h"
#include "wdfdeviceinit.h"
#include "wdfdevice.h"
#include "wdffdo.h"
#include "wdfcontrol.h"
#include "wdfrequesttypes.h"
#include "wdfrequest.h"
#include "wdfio.h"
#include "wdfiotarget.h"
#include "wdfverifier.h"



#endif
