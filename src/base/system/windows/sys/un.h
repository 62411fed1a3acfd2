/* Addresses of unix sockets, which Windows has since 2018. */
#ifndef QUERN_WINDOWS_UN_H
#define QUERN_WINDOWS_UN_H

#include "sys/socket.h"

#include <afunix.h>

#endif
