-- A queue of rows that need a vector, for deploy/postgresql/worker. Once for a database:
--   psql -f deploy/postgresql/queue.sql -v source=notes -v id=id -v text=body -v target=vector
-- source: a table; id: its key, an integer; text: the column to embed; target: the column for the vector, which is
-- real[], or vector of pgvector. The rows that are there already are queued, and later ones as they come and change.
\set ON_ERROR_STOP on
BEGIN;

CREATE TABLE IF NOT EXISTS quern_queue (
    id bigint PRIMARY KEY,
    taken timestamptz,              -- when a worker took it
    tries int NOT NULL DEFAULT 0,   -- how often workers took it
    error text                      -- why it gets no vector; such a row is not taken again
);

CREATE OR REPLACE FUNCTION quern_enqueue() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM quern_queue WHERE id = (to_jsonb(old)->>TG_ARGV[0])::bigint;
        RETURN NULL;
    END IF;
    INSERT INTO quern_queue (id) VALUES ((to_jsonb(new)->>TG_ARGV[0])::bigint)
        ON CONFLICT (id) DO UPDATE SET taken = NULL, tries = 0, error = NULL;
    RETURN NULL;
END $$;

DROP TRIGGER IF EXISTS quern_changed ON :"source";
CREATE TRIGGER quern_changed AFTER INSERT OR DELETE OR UPDATE OF :"text" ON :"source" FOR EACH ROW
    EXECUTE FUNCTION quern_enqueue(:'id');

-- Takes at most `most` rows: lines of JSON for `quern pipe`. Several workers take different rows, and none waits for
-- another. A row whose worker died is taken again after ten minutes, at most three times.
SELECT format($f$
CREATE OR REPLACE FUNCTION quern_take(most int) RETURNS SETOF json LANGUAGE sql AS $b$
    WITH mine AS (
        UPDATE quern_queue SET taken = clock_timestamp(), tries = tries + 1 WHERE id IN (
            SELECT id FROM quern_queue
                WHERE error IS NULL AND tries < 3 AND (taken IS NULL OR taken < now() - interval '10 minutes')
                ORDER BY id LIMIT most FOR UPDATE SKIP LOCKED)
        RETURNING id)
    SELECT json_build_object('id', %2$I, 'text', %3$I) FROM %1$I WHERE %2$I IN (SELECT id FROM mine)
$b$ $f$, :'source', :'id', :'text') \gexec

-- Stores one line of `quern pipe`. A row whose text was changed meanwhile is in the queue again, and stays there.
SELECT format($f$
CREATE OR REPLACE FUNCTION quern_store(line json) RETURNS void LANGUAGE plpgsql AS $b$
BEGIN
    PERFORM FROM %1$I WHERE %2$I = (line->>'id')::bigint AND %3$I IS DISTINCT FROM line->>'text';
    IF FOUND THEN
        RETURN;
    END IF;
    IF line->>'embedding' IS NULL THEN
        UPDATE quern_queue SET error = line->>'error' WHERE id = (line->>'id')::bigint;
    ELSE -- the row before its place in the queue, as programs that change it lock them
        UPDATE %1$I SET %4$I = translate(line->>'embedding', '[]', '{}')::real[] WHERE %2$I = (line->>'id')::bigint;
        DELETE FROM quern_queue WHERE id = (line->>'id')::bigint;
    END IF;
END $b$ $f$, :'source', :'id', :'text', :'target') \gexec

SELECT format('INSERT INTO quern_queue (id) SELECT %I FROM %I WHERE %I IS NULL ON CONFLICT DO NOTHING',
              :'id', :'source', :'target') \gexec
COMMIT;
