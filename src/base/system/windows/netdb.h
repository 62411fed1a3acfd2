/* Windows has all of this in one header. */
#ifndef QUERN_WINDOWS_NETDB_H
#define QUERN_WINDOWS_NETDB_H

#include "sys/socket.h"

#endif
