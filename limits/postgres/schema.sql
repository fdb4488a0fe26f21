-- What processes share. It is safe to run again. All of it is one transaction, so the
-- lock ends with it.
SELECT pg_advisory_xact_lock(7203447112395);

-- Leases, waiters and the hour are worth nothing after a crash of the server. As they
-- are not logged, no commit waits for a disk.
CREATE UNLOGGED TABLE IF NOT EXISTS autotask_limits_queues (
	name    text PRIMARY KEY,
	numbers bigint NOT NULL DEFAULT 0, -- the last one given out
	used    timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE UNLOGGED TABLE IF NOT EXISTS autotask_limits_leases (
	queue  text NOT NULL,
	ticket text NOT NULL,
	until  timestamptz NOT NULL,
	PRIMARY KEY (queue, ticket)
);

CREATE UNLOGGED TABLE IF NOT EXISTS autotask_limits_waiters (
	queue  text NOT NULL,
	number bigint NOT NULL,
	ticket text NOT NULL,
	owner  text NOT NULL,
	PRIMARY KEY (queue, number),
	UNIQUE (queue, ticket)
);

-- When the process of a waiter was last heard of.
CREATE UNLOGGED TABLE IF NOT EXISTS autotask_limits_owners (
	queue text NOT NULL,
	owner text NOT NULL,
	seen  timestamptz NOT NULL,
	PRIMARY KEY (queue, owner)
);

-- The last reading (quota, span, used, read_at); the requests begun and ended in total;
-- both at the beginning of a reading (mark_begun, mark_ended); the first of them at the
-- reading before (last); and base, which is how many of those begun a reading has surely
-- counted. They are those that had ended when it began, and those that had begun before
-- the reading before it: what a process that died has begun never ends.
CREATE UNLOGGED TABLE IF NOT EXISTS autotask_limits_hours (
	name       text PRIMARY KEY,
	quota      bigint NOT NULL DEFAULT 0,
	span       bigint NOT NULL DEFAULT 0, -- milliseconds
	used       bigint NOT NULL DEFAULT 0,
	read_at    timestamptz,
	begun      bigint NOT NULL DEFAULT 0,
	ended      bigint NOT NULL DEFAULT 0,
	base       bigint NOT NULL DEFAULT 0,
	last       bigint NOT NULL DEFAULT 0,
	token      text,
	claimed_at timestamptz,
	mark_begun bigint NOT NULL DEFAULT 0,
	mark_ended bigint NOT NULL DEFAULT 0
);

-- A write that was not answered outlives a crash.
CREATE TABLE IF NOT EXISTS autotask_limits_writes (
	name  text PRIMARY KEY,
	value bytea NOT NULL,
	until timestamptz NOT NULL
);
CREATE INDEX IF NOT EXISTS autotask_limits_writes_until ON autotask_limits_writes (until);

-- All that a process has to say about one queue, in this order: who leaves, whose lease
-- is renewed, who waits. Whoever calls it has the queue for himself from the first
-- UPDATE on. In a transaction with one snapshot, that UPDATE fails if somebody else was
-- faster, so that nothing is decided by what was true before.
CREATE OR REPLACE FUNCTION autotask_limits_step_1(
	p_queue text, p_places int, p_owner text, p_leave text[], p_renew text[], p_wait text[],
	p_lease interval, p_silence interval, p_dead interval,
	OUT granted text[], OUT lost text[], OUT ahead bigint
) LANGUAGE plpgsql AS $$
DECLARE
	moment  timestamptz;
	number_ bigint;
	free    bigint;
	id      text;
	waiter  record;
	old     text[];
BEGIN
	granted := '{}';
	lost := '{}';
	LOOP
		UPDATE autotask_limits_queues SET used = clock_timestamp() WHERE name = p_queue RETURNING numbers INTO number_;
		EXIT WHEN FOUND;
		INSERT INTO autotask_limits_queues (name) VALUES (p_queue) ON CONFLICT DO NOTHING;
	END LOOP;
	moment := clock_timestamp(); -- now(), or before the UPDATE, may be long ago
	-- No stamp is later than this, unless the clock was set back.
	UPDATE autotask_limits_leases l SET until = moment + p_lease WHERE l.queue = p_queue AND l.until > moment + p_lease;
	UPDATE autotask_limits_owners o SET seen = moment WHERE o.queue = p_queue AND o.seen > moment;

	DELETE FROM autotask_limits_leases l WHERE l.queue = p_queue AND (l.until <= moment OR l.ticket = ANY (p_leave));
	IF cardinality(p_wait) > 0 THEN
		INSERT INTO autotask_limits_owners (queue, owner, seen) VALUES (p_queue, p_owner, moment)
		ON CONFLICT (queue, owner) DO UPDATE SET seen = moment;
	END IF;
	old := ARRAY(SELECT o.owner FROM autotask_limits_owners o WHERE o.queue = p_queue AND o.seen <= moment - p_dead);
	DELETE FROM autotask_limits_waiters w
	WHERE w.queue = p_queue AND (w.owner = p_owner AND w.ticket <> ALL (p_wait) OR w.owner = ANY (old));
	IF cardinality(old) > 0 THEN
		DELETE FROM autotask_limits_owners o WHERE o.queue = p_queue AND o.owner = ANY (old);
	END IF;

	FOREACH id IN ARRAY p_renew LOOP
		UPDATE autotask_limits_leases l SET until = moment + p_lease WHERE l.queue = p_queue AND l.ticket = id;
		CONTINUE WHEN FOUND;
		IF (SELECT count(*) FROM autotask_limits_leases l WHERE l.queue = p_queue) < p_places THEN
			INSERT INTO autotask_limits_leases (queue, ticket, until) VALUES (p_queue, id, moment + p_lease);
		ELSE
			lost := lost || id;
		END IF;
	END LOOP;

	IF cardinality(p_wait) = 0 THEN
		ahead := 0;
		RETURN;
	END IF;
	WITH held AS (
		UPDATE autotask_limits_leases l SET until = moment + p_lease
		WHERE l.queue = p_queue AND l.ticket = ANY (p_wait) RETURNING l.ticket
	) SELECT coalesce(array_agg(held.ticket), '{}') INTO granted FROM held;
	INSERT INTO autotask_limits_waiters (queue, number, ticket, owner)
	SELECT p_queue, number_ + n.i, n.ticket, p_owner FROM unnest(p_wait) WITH ORDINALITY n(ticket, i)
	WHERE n.ticket <> ALL (granted)
		AND NOT EXISTS (SELECT FROM autotask_limits_waiters w WHERE w.queue = p_queue AND w.ticket = n.ticket);
	IF FOUND THEN
		UPDATE autotask_limits_queues SET numbers = number_ + cardinality(p_wait) WHERE name = p_queue;
	END IF;

	free := p_places - (SELECT count(*) FROM autotask_limits_leases l WHERE l.queue = p_queue);
	IF free > 0 THEN
		FOR waiter IN
			SELECT w.ticket, w.owner FROM autotask_limits_waiters w
			JOIN autotask_limits_owners o ON o.queue = w.queue AND o.owner = w.owner
			WHERE w.queue = p_queue AND o.seen > moment - p_silence
			ORDER BY w.number LIMIT free
		LOOP
			CONTINUE WHEN waiter.owner <> p_owner; -- its place stays free until it asks
			DELETE FROM autotask_limits_waiters w WHERE w.queue = p_queue AND w.ticket = waiter.ticket;
			INSERT INTO autotask_limits_leases (queue, ticket, until) VALUES (p_queue, waiter.ticket, moment + p_lease);
			granted := granted || waiter.ticket;
		END LOOP;
	END IF;
	ahead := (
		SELECT count(*) FROM autotask_limits_waiters w WHERE w.queue = p_queue
		AND w.number < (SELECT min(m.number) FROM autotask_limits_waiters m WHERE m.queue = p_queue AND m.owner = p_owner)
	);

	-- Now and then somebody clears away what nobody uses any more, and waits for no one.
	IF random() < 0.001 THEN
		old := ARRAY(
			SELECT q.name FROM autotask_limits_queues q WHERE q.used < moment - interval '1 hour'
			ORDER BY q.name LIMIT 1000 FOR UPDATE SKIP LOCKED
		);
		DELETE FROM autotask_limits_leases l WHERE l.queue = ANY (old);
		DELETE FROM autotask_limits_waiters w WHERE w.queue = ANY (old);
		DELETE FROM autotask_limits_owners o WHERE o.queue = ANY (old);
		DELETE FROM autotask_limits_queues q WHERE q.name = ANY (old);
		DELETE FROM autotask_limits_writes w WHERE w.name IN (
			SELECT e.name FROM autotask_limits_writes e WHERE e.until < moment LIMIT 1000 FOR UPDATE SKIP LOCKED
		);
	END IF;
END $$;
