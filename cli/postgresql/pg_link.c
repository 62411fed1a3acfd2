#include "pg_link.h"

#include <dlfcn.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

enum { MOST_COPY = 1 << 20 }; /* bytes that are handed to libpq at a time */

/* libpq is loaded only for this verb: it needs 20 libraries, which would slow down the start of every other one. */
static struct {
    __typeof__(PQconnectdbParams) *connect;
    __typeof__(PQstatus) *status;
    __typeof__(PQerrorMessage) *message;
    __typeof__(PQfinish) *finish;
    __typeof__(PQexec) *exec;
    __typeof__(PQexecParams) *exec_params;
    __typeof__(PQresultStatus) *result_status;
    __typeof__(PQresultErrorField) *error_field;
    __typeof__(PQntuples) *count;
    __typeof__(PQgetvalue) *value;
    __typeof__(PQgetlength) *length;
    __typeof__(PQgetisnull) *is_null;
    __typeof__(PQclear) *clear;
    __typeof__(PQsocket) *socket;
    __typeof__(PQconsumeInput) *consume;
    __typeof__(PQnotifies) *notifies;
    __typeof__(PQfreemem) *free;
    __typeof__(PQputCopyData) *put_data;
    __typeof__(PQputCopyEnd) *put_end;
    __typeof__(PQgetResult) *get_result;
    __typeof__(PQsetNoticeProcessor) *set_notices;
} pq;

static bool load(void)
{
    static const struct {
        const char *name;
        void *function; /* its pointer in the table */
    } functions[] = {
        {"PQconnectdbParams", &pq.connect},     {"PQstatus", &pq.status},
        {"PQerrorMessage", &pq.message},        {"PQfinish", &pq.finish},
        {"PQexec", &pq.exec},                   {"PQexecParams", &pq.exec_params},
        {"PQresultStatus", &pq.result_status},  {"PQresultErrorField", &pq.error_field},
        {"PQntuples", &pq.count},               {"PQgetvalue", &pq.value},
        {"PQgetlength", &pq.length},            {"PQgetisnull", &pq.is_null},
        {"PQclear", &pq.clear},                 {"PQsocket", &pq.socket},
        {"PQconsumeInput", &pq.consume},        {"PQnotifies", &pq.notifies},
        {"PQfreemem", &pq.free},                {"PQputCopyData", &pq.put_data},
        {"PQputCopyEnd", &pq.put_end},          {"PQgetResult", &pq.get_result},
        {"PQsetNoticeProcessor", &pq.set_notices},
    };
    void *library = dlopen("libpq.so.5", RTLD_NOW);
    for (size_t i = 0; i < QUERN_COUNT(functions); i++) {
        void *function = library != NULL ? dlsym(library, functions[i].name) : NULL;
        if (function == NULL)
            return false;
        memcpy(functions[i].function, &function, sizeof function);
    }
    return true;
}

bool quern_pg_ready(void)
{
    if (pq.connect != NULL || load())
        return true;
    quern_cli_say("pg-worker needs libpq: install libpq5");
    return false;
}

/* ---------------------------------------------------------------- how a statement ended */

/* Notes the first line of a message: the others say what it may mean. */
static void note(struct quern_pg_link *link, const char *message)
{
    snprintf(link->problem, QUERN_PG_PROBLEM, "%.*s", (int)strcspn(message, "\n"), message);
}

/* What the class of an SQLSTATE, its first two characters, says. */
static enum quern_pg_outcome judge(const char *state)
{
    /* connection, read-only server, serialization and deadlock, resources, locks, intervention, system, internal */
    static const char *const again[] = {"08", "25", "40", "53", "55", "57", "58", "XX"};
    /* not supported, no such role, password, database or schema, syntax and rights */
    static const char *const refused[] = {"0A", "28", "3D", "3F", "42"};
    for (size_t i = 0; i < QUERN_COUNT(again); i++)
        if (strncmp(state, again[i], strlen(again[i])) == 0)
            return QUERN_PG_AGAIN;
    for (size_t i = 0; i < QUERN_COUNT(refused); i++)
        if (strncmp(state, refused[i], strlen(refused[i])) == 0)
            return QUERN_PG_REFUSED;
    return QUERN_PG_ROW;
}

static enum quern_pg_outcome conclude(struct quern_pg_link *link, const PGresult *result)
{
    const ExecStatusType status = result != NULL ? pq.result_status(result) : PGRES_FATAL_ERROR;
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
        status == PGRES_COPY_IN)
        return QUERN_PG_DONE;
    const char *state = result != NULL ? pq.error_field(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result != NULL ? pq.error_field(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    note(link, message != NULL ? message : pq.message(link->connection));
    if (state != NULL && strcmp(state, "42602") == 0) /* invalid name */
        note(link, "this is no name of a table; with capitals, spaces or signs it needs double quotes: '\"My notes\"'");
    if (pq.status(link->connection) != CONNECTION_OK || state == NULL)
        return QUERN_PG_AGAIN;
    const enum quern_pg_outcome outcome = judge(state);
    const bool is_in_function = pq.error_field(result, PG_DIAG_CONTEXT) != NULL; /* which a trigger has called */
    return outcome == QUERN_PG_REFUSED && is_in_function ? QUERN_PG_ROW : outcome;
}

/* ---------------------------------------------------------------- the connection */

static void ignore_notice(void *user, const char *message)
{
    (void)user;
    (void)message;
}

enum quern_pg_outcome quern_pg_open(struct quern_pg_link *link, const char *place)
{
    /* A later value of a name counts. */
    const char *const names[] = {"connect_timeout", "tcp_user_timeout", "fallback_application_name", "dbname",
                                 "client_encoding", NULL};
    const char *const values[] = {"10", "30000", "quern pg-worker", place != NULL ? place : "", "UTF8", NULL};
    *link = (struct quern_pg_link){.connection = pq.connect(names, values, 1)};
    if (link->connection == NULL) {
        note(link, "no memory for a connection");
        return QUERN_PG_AGAIN;
    }
    if (pq.status(link->connection) != CONNECTION_OK) {
        note(link, pq.message(link->connection));
        return QUERN_PG_AGAIN;
    }
    pq.set_notices(link->connection, ignore_notice, NULL);
    return QUERN_PG_DONE;
}

void quern_pg_close(struct quern_pg_link *link)
{
    if (link->connection != NULL)
        pq.finish(link->connection);
    link->connection = NULL;
}

/* ---------------------------------------------------------------- statements */

enum quern_pg_outcome quern_pg_run(struct quern_pg_link *link, const char *statements)
{
    PGresult *result = pq.exec(link->connection, statements);
    const enum quern_pg_outcome outcome = conclude(link, result);
    pq.clear(result);
    return outcome;
}

enum quern_pg_outcome quern_pg_ask(struct quern_pg_link *link, const char *statement, int count,
                                   const char *const *values, struct quern_pg_rows *rows)
{
    PGresult *result = pq.exec_params(link->connection, statement, count, NULL, values, NULL, NULL, 0);
    const enum quern_pg_outcome outcome = conclude(link, result);
    if (rows == NULL)
        pq.clear(result);
    else
        *rows = (struct quern_pg_rows){result, outcome == QUERN_PG_DONE ? pq.count(result) : 0};
    return outcome;
}

quern_text quern_pg_value(const struct quern_pg_rows *rows, int row, int column)
{
    if (pq.is_null(rows->result, row, column))
        return (quern_text){0};
    return (quern_text){pq.value(rows->result, row, column), (size_t)pq.length(rows->result, row, column)};
}

void quern_pg_free(struct quern_pg_rows *rows)
{
    if (rows->result != NULL)
        pq.clear(rows->result);
    *rows = (struct quern_pg_rows){0};
}

enum quern_pg_outcome quern_pg_copy(struct quern_pg_link *link, const char *statement, const char *data, size_t length)
{
    enum quern_pg_outcome outcome = quern_pg_run(link, statement);
    if (outcome != QUERN_PG_DONE)
        return outcome;
    bool is_sent = true;
    for (size_t at = 0, size; is_sent && at < length; at += size) {
        size = length - at < MOST_COPY ? length - at : MOST_COPY;
        is_sent = pq.put_data(link->connection, data + at, (int)size) == 1;
    }
    if (!is_sent || pq.put_end(link->connection, NULL) != 1) {
        note(link, pq.message(link->connection));
        return QUERN_PG_AGAIN;
    }
    for (PGresult *result; (result = pq.get_result(link->connection)) != NULL; pq.clear(result)) {
        const enum quern_pg_outcome next = conclude(link, result);
        outcome = next != QUERN_PG_DONE ? next : outcome;
    }
    return outcome;
}

/* ---------------------------------------------------------------- waiting */

/* Takes what has arrived. Whether a notification was among it. */
static bool take_notifications(struct quern_pg_link *link)
{
    bool any = false;
    for (PGnotify *notification; (notification = pq.notifies(link->connection)) != NULL; any = true)
        pq.free(notification);
    return any;
}

enum quern_pg_outcome quern_pg_wait(struct quern_pg_link *link, int milliseconds)
{
    const bool is_open = link->connection != NULL;
    struct pollfd waiting = {.fd = is_open ? pq.socket(link->connection) : -1, .events = POLLIN};
    const struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    sigset_t signals, before;
    if (is_open && take_notifications(link)) /* which came with the answer of a statement */
        return QUERN_PG_DONE;
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals, &before); /* so that none comes between the question and the wait */
    if (quern_cli_stop_signal() == 0)
        ppoll(&waiting, 1, &time, &before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!is_open)
        return QUERN_PG_DONE;
    if (waiting.revents != 0 && pq.consume(link->connection) == 0) {
        note(link, pq.message(link->connection));
        return QUERN_PG_AGAIN;
    }
    take_notifications(link);
    return QUERN_PG_DONE;
}
