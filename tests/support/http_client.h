/* For tests of the server: starts `quern serve` as a child process, and sends exact bytes over raw sockets. */
#ifndef QUERN_TESTS_HTTP_CLIENT_H
#define QUERN_TESTS_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct served {
    pid_t pid;
    int port;
    char log[64]; /* a file with its standard error */
};

struct reply {
    int status;      /* 0: the connection was closed without one */
    char *head;      /* with its empty line; a string */
    char *body;      /* [length], and a NUL behind it */
    size_t length;
};

/* Starts `COMMAND serve -m MODEL --port 0 OPTIONS...`, OPTIONS ending with NULL, and waits until it is ready. False: it
 * has ended instead; then the log says why, and served_end gives the exit code. */
bool served_start(struct served *server, const char *command, const char *model, const char *const *options);

/* Sends a signal (0: none) and waits for the server's end. Returns its exit code, or -1 after two minutes. Removes the
 * log. */
int served_end(struct served *server, int signal_number);

/* Whether the log contains a text; waits for it up to 5 seconds. */
bool served_logs(const struct served *server, const char *text);

int client_connect(const struct served *server);
int client_connect_unix(const char *path);
void client_send(int socket, const void *data, size_t length);
void client_print(int socket, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sends a POST with Content-Length. fields: more head lines, each with CR LF. */
void client_post(int socket, const char *path, const char *fields, const char *body);

/* Reads one reply by its Content-Length; at most two minutes. 100 Continue is a reply without a body. */
void client_read(int socket, struct reply *reply);
void reply_free(struct reply *reply);

/* Whether the server has closed the connection, within two minutes. */
bool client_is_closed(int socket);

/* A request on a connection of its own. */
void client_ask(const struct served *server, const char *path, const char *fields, const char *body,
                struct reply *reply);

#endif
