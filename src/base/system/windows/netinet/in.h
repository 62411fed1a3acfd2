/* Windows has all of this in one header. */
#ifndef QUERN_WINDOWS_IN_H
#define QUERN_WINDOWS_IN_H

#include "sys/socket.h"

#endif
