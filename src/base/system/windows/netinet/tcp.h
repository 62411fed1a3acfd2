/* Windows has all of this in one header. */
#ifndef QUERN_WINDOWS_TCP_H
#define QUERN_WINDOWS_TCP_H

#include "sys/socket.h"

#endif
