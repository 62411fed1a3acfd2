#include "pg_statements.h"

/* ---------------------------------------------------------------- setting up */

/* Each change of a text adds a line to the queue, so that nobody waits for a worker that has a line of the same row.
 * The trigger works with the rights of who set it up: who may change the table need not know of the queue. Keys are
 * kept as texts, such as dates, which must not depend on the settings of who writes them. */
const char quern_pg_schema[] =
    "SET LOCAL datestyle = 'ISO';\n"
    "SET LOCAL intervalstyle = 'postgres';\n"
    "SET LOCAL extra_float_digits = 3;\n"
    "CREATE SCHEMA IF NOT EXISTS quern;\n"
    "CREATE TABLE IF NOT EXISTS quern.sources (\n"
    "    source regclass PRIMARY KEY,\n"
    "    key name NOT NULL, body name NOT NULL, vector name NOT NULL, -- its columns\n"
    "    space text);                                                 -- of the vectors; NULL: no worker has begun\n"
    "CREATE TABLE IF NOT EXISTS quern.queue (\n"
    "    source regclass NOT NULL,\n"
    "    number bigint GENERATED ALWAYS AS IDENTITY,\n"
    "    key text NOT NULL,\n"
    "    due timestamptz NOT NULL DEFAULT now(),\n"
    "    PRIMARY KEY (source, number));\n"
    "CREATE INDEX IF NOT EXISTS queue_keys ON quern.queue (source, key, number);\n"
    "CREATE TABLE IF NOT EXISTS quern.errors (\n"
    "    source regclass NOT NULL,\n"
    "    key text NOT NULL,\n"
    "    error text NOT NULL,\n"
    "    at timestamptz NOT NULL DEFAULT now(),\n"
    "    PRIMARY KEY (source, key));\n"
    "CREATE OR REPLACE FUNCTION quern.enqueue() RETURNS trigger LANGUAGE plpgsql\n"
    "    SECURITY DEFINER SET search_path = pg_catalog, pg_temp\n"
    "    SET datestyle = 'ISO' SET intervalstyle = 'postgres' SET extra_float_digits = 3 AS $$\n"
    "DECLARE\n"
    "    changed text;\n"
    "BEGIN\n"
    "    IF TG_OP = 'DELETE' THEN\n"
    "        EXECUTE format('SELECT ($1).%I::text', TG_ARGV[0]) INTO changed USING old;\n"
    "    ELSE\n"
    "        EXECUTE format('SELECT ($1).%I::text', TG_ARGV[0]) INTO changed USING new;\n"
    "    END IF;\n"
    "    INSERT INTO quern.queue (source, key)\n"
    "        SELECT coalesce(pg_partition_root(TG_RELID), TG_RELID), changed WHERE changed IS NOT NULL;\n"
    "    PERFORM pg_notify('quern_queue', '');\n"
    "    RETURN NULL;\n"
    "END $$;\n"
    "REVOKE ALL ON FUNCTION quern.enqueue() FROM PUBLIC;\n";

/* The table of the row c of pg_class. With its schema, since a temporary table may have its name. */
#define TABLE "format('%I.%I', (SELECT nspname FROM pg_namespace WHERE oid = c.relnamespace), c.relname)"
#define COLUMN(name) \
    "(SELECT attname FROM pg_attribute WHERE attrelid = c.oid AND attname = " name \
    " AND attnum > 0 AND NOT attisdropped)"
#define PRIMARY_KEY \
    "(SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = indkey[0]" \
    " WHERE indrelid = c.oid AND indisprimary AND indnkeyatts = 1)"

const char quern_pg_find[] =
    "SELECT c.relkind IN ('r', 'p'), c.relispartition,\n"
    "    CASE WHEN $2::text IS NULL THEN " PRIMARY_KEY " ELSE " COLUMN("$2::text") " END,\n"
    "    " COLUMN("$3::text") ", " COLUMN("$4::text") "\n"
    "FROM pg_class c WHERE c.oid = to_regclass($1)";

const char quern_pg_watch[] =
    "SELECT format($f$\n"
    "DROP TRIGGER IF EXISTS quern_added ON %1$s;\n"
    "DROP TRIGGER IF EXISTS quern_changed ON %1$s;\n"
    "CREATE TRIGGER quern_added AFTER INSERT OR DELETE ON %1$s FOR EACH ROW EXECUTE FUNCTION quern.enqueue(%2$L);\n"
    "CREATE TRIGGER quern_changed AFTER UPDATE ON %1$s FOR EACH ROW WHEN\n"
    "    (old.%3$I::text IS DISTINCT FROM new.%3$I::text OR old.%2$I IS DISTINCT FROM new.%2$I)\n"
    "    EXECUTE FUNCTION quern.enqueue(%2$L);\n"
    "INSERT INTO quern.sources VALUES (%5$L, %2$L, %3$L, %4$L)\n"
    "    ON CONFLICT (source) DO UPDATE SET key = excluded.key, body = excluded.body, vector = excluded.vector;\n"
    "INSERT INTO quern.queue (source, key) SELECT %5$L, %2$I::text FROM %1$s\n"
    "    WHERE %4$I IS NULL AND %3$I IS NOT NULL AND %2$I IS NOT NULL\n"
    "        AND NOT EXISTS (SELECT FROM quern.queue q WHERE q.source = %5$L AND q.key = %2$I::text)\n"
    "        AND NOT EXISTS (SELECT FROM quern.errors e WHERE e.source = %5$L AND e.key = %2$I::text);\n"
    "NOTIFY quern_queue;\n"
    "$f$, " TABLE ", coalesce($2::text, " PRIMARY_KEY "), $3::text, $4::text, c.oid),\n"
    "format($f$\n"
    "UPDATE quern.sources SET space = NULL WHERE source = %3$L;\n"
    "INSERT INTO quern.queue (source, key) SELECT %3$L, %2$I::text FROM %1$s WHERE %2$I IS NOT NULL;\n"
    "$f$, " TABLE ", coalesce($2::text, " PRIMARY_KEY "), c.oid)\n"
    "FROM pg_class c WHERE c.oid = to_regclass($1)";

const char quern_pg_status[] =
    "SELECT s.source, (SELECT count(*) FROM quern.queue q WHERE q.source = s.source),\n"
    "    (SELECT count(*) FROM quern.errors e WHERE e.source = s.source), s.space\n"
    "FROM quern.sources s JOIN pg_class ON oid = source\n" /* a table may be gone */
    "WHERE $1::text IS NULL OR s.source = to_regclass($1) ORDER BY s.source::text";

/* ---------------------------------------------------------------- working */

/* Each statement takes the first lines of an index, and joins some hundred rows with large tables by their indexes. The
 * planner cannot know that, since new tables have no statistics. A database that does not know its encoding may have
 * any bytes, which it would refuse to send as UTF-8. */
const char quern_pg_session[] =
    "SELECT set_config('client_encoding', 'SQL_ASCII', false)\n"
    "    WHERE current_setting('server_encoding') = 'SQL_ASCII';\n"
    "SET enable_seqscan = off;\n"
    "SET enable_bitmapscan = off;\n"
    "SET enable_sort = off;\n"
    "SET enable_hashjoin = off;\n"
    "SET enable_mergejoin = off;\n"
    "SET jit = off;\n"
    "SET synchronous_commit = off;\n"
    "SET statement_timeout = 0;\n"
    "SET lock_timeout = 0;\n"
    "SET idle_in_transaction_session_timeout = 0;\n"
    "LISTEN quern_queue";

/* The statements of a worker, in which PostgreSQL's format() puts %1$s, the table; %2$I, %3$I and %4$I, its columns for
 * key, text and vector; %5$L, the table's number; and %6$s, the type of the key. All of them are one transaction, from
 * taking to storing: if the worker or the server dies, nothing has happened. */

/* ON COMMIT DELETE ROWS: quern_taken has what was taken, with the texts as they were; quern_done the answers. */
#define TABLES \
    "CREATE TEMP TABLE quern_taken (place int PRIMARY KEY, key text, body text, is_there bool)\n" \
    "    ON COMMIT DELETE ROWS;\n" \
    "CREATE TEMP TABLE quern_done (place int PRIMARY KEY, vector %s, error text) ON COMMIT DELETE ROWS;\n"

/* Who has locked the first line of a row has the row, and takes all its lines: so two workers never embed one text.
 * "+ 0" keeps the planner from looking for earlier lines by their number, and not by their key. */
#define TAKE \
    "WITH first AS MATERIALIZED (\n" \
    "    SELECT key FROM quern.queue q WHERE source = %5$L AND due <= clock_timestamp() AND NOT EXISTS (\n" \
    "            SELECT FROM quern.queue o WHERE o.source = %5$L AND o.key = q.key AND o.number + 0 < q.number)\n" \
    "        ORDER BY number LIMIT $1 FOR UPDATE OF q SKIP LOCKED),\n" \
    "mine AS (\n" \
    "    DELETE FROM quern.queue WHERE source = %5$L AND number = ANY (ARRAY(\n" \
    "        SELECT number FROM quern.queue WHERE source = %5$L AND key IN (SELECT key FROM first)\n" \
    "            FOR UPDATE SKIP LOCKED))\n" \
    "    RETURNING key)\n" \
    "INSERT INTO pg_temp.quern_taken SELECT row_number() OVER (ORDER BY mine.key) - 1, mine.key, t.%3$I::text,\n" \
    "        t.%2$I IS NOT NULL\n" \
    "    FROM (SELECT DISTINCT key FROM mine) mine LEFT JOIN %1$s t ON t.%2$I = mine.key::%6$s\n" \
    "    RETURNING place, octet_length(body), CASE WHEN octet_length(body) <= $2::int THEN body END\n"

/* A row is stored only while its text is still the one that was embedded: else a line of the queue is there for the new
 * text. What is stored, or what a trigger has left out, is taken out of quern_taken. */
#define STORE \
    "WITH free AS MATERIALIZED (\n" \
    "    SELECT d.place, d.vector, d.error, m.key, t.%2$I AS own\n" \
    "        FROM pg_temp.quern_done d JOIN pg_temp.quern_taken m USING (place) JOIN %1$s t ON t.%2$I = m.key::%6$s\n" \
    "        WHERE t.%3$I::text IS NOT DISTINCT FROM m.body FOR NO KEY UPDATE OF t SKIP LOCKED),\n" \
    "stored AS (\n" \
    "    UPDATE %1$s t SET %4$I = free.vector FROM free WHERE t.%2$I = free.own\n" \
    "        RETURNING free.place, free.key, free.error),\n" \
    "cleared AS (\n" \
    "    DELETE FROM quern.errors WHERE source = %5$L AND key IN (SELECT key FROM stored WHERE error IS NULL)),\n" \
    "marked AS (\n" \
    "    INSERT INTO quern.errors (source, key, error)\n" \
    "        SELECT DISTINCT %5$L::oid, key, error FROM stored WHERE error IS NOT NULL\n" \
    "        ON CONFLICT (source, key) DO UPDATE SET error = excluded.error, at = excluded.at)\n" \
    "DELETE FROM pg_temp.quern_taken WHERE place IN (SELECT place FROM free)\n"

/* Puts back what was not done, because the time was over or the worker is to stop; and, for some seconds later, rows
 * that others have locked, so that a worker never waits, and never takes part in a deadlock. */
#define PUT_BACK \
    "WITH gone AS (\n" \
    "    DELETE FROM quern.errors\n" \
    "        WHERE source = %5$L AND key IN (SELECT key FROM pg_temp.quern_taken WHERE NOT is_there))\n" \
    "INSERT INTO quern.queue (source, key, due)\n" \
    "    SELECT %5$L, m.key, clock_timestamp() + CASE WHEN d.place IS NULL THEN '0 s' ELSE '5 s' END::interval\n" \
    "        FROM pg_temp.quern_taken m LEFT JOIN pg_temp.quern_done d USING (place)\n" \
    "            JOIN %1$s t ON t.%2$I = m.key::%6$s\n" \
    "        WHERE d.place IS NULL OR t.%3$I::text IS NOT DISTINCT FROM m.body\n"

#define FORMATTED(statement) \
    "format($f$\n" statement "$f$, " TABLE ", s.key, s.body, s.vector, s.source::oid,\n" \
    "    format_type(k.atttypid, k.atttypmod))"

const char quern_pg_describe[] =
    "SELECT s.source::oid, t.typname, v.atttypmod, s.space,\n"
    "format($f$\n" TABLES "$f$, CASE WHEN t.typname IN ('vector', 'halfvec', 'bytea')\n"
    "    THEN format_type(v.atttypid, v.atttypmod) ELSE 'real[]' END),\n"
    FORMATTED(TAKE) ",\n" FORMATTED(STORE) ",\n" FORMATTED(PUT_BACK) ",\n"
    "row_security_active(s.source)\n"
    "FROM quern.sources s JOIN pg_class c ON c.oid = s.source\n"
    "    JOIN pg_attribute k ON k.attrelid = s.source AND k.attname = s.key AND NOT k.attisdropped\n"
    "    JOIN pg_attribute v ON v.attrelid = s.source AND v.attname = s.vector AND NOT v.attisdropped\n"
    "    JOIN pg_type t ON t.oid = v.atttypid\n"
    "WHERE s.source = to_regclass($1)";

const char quern_pg_claim[] = "UPDATE quern.sources SET space = $2 WHERE source = $1::oid AND space IS NULL";

const char quern_pg_space[] = "SELECT space FROM quern.sources WHERE source = $1::oid FOR SHARE";

const char quern_pg_mark[] =
    "WITH refused AS (DELETE FROM pg_temp.quern_taken WHERE place = $2::int RETURNING key)\n"
    "INSERT INTO quern.errors (source, key, error) SELECT $1::oid, key, $3 FROM refused\n"
    "    ON CONFLICT (source, key) DO UPDATE SET error = excluded.error, at = excluded.at";
