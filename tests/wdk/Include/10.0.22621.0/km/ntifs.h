/* The file system interfaces; what this tree has of them is in ntddk.h. */
#ifndef MINI_NTIFS_H
#define MINI_NTIFS_H

#include "ntddk.h"



#endif
