/* Sockets of Windows. They are no descriptors: libevent closes them, makes them non-blocking and tells their errors,
 * whose numbers are those of Windows here. */
#ifndef QUERN_WINDOWS_SOCKET_H
#define QUERN_WINDOWS_SOCKET_H

#include <winsock2.h>
#include <ws2tcpip.h>

#define SOCK_CLOEXEC 0
#define MSG_DONTWAIT 0 /* no socket of quern waits */
#define MSG_NOSIGNAL 0
#define SHUT_WR SD_SEND

#define LINGER QUERN_LINGER /* a type of Windows, whose name the server has for something else */

#undef EADDRINUSE
#undef ECONNREFUSED
#undef EMFILE
#define EADDRINUSE WSAEADDRINUSE
#define ECONNREFUSED WSAECONNREFUSED
#define EMFILE WSAEMFILE

#endif
