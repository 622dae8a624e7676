-- The figures of the dashboard. Sweeps write them every ten seconds. Without a sweep nothing depends on them.

-- The sessions in which somebody is present, as the last visit found them. The table is unlogged: after a crash of PostgreSQL it is
-- empty, and visits fill it again within half a minute.
CREATE UNLOGGED TABLE live_sessions (
  session_id       uuid PRIMARY KEY,
  people           integer NOT NULL,
  online           integer NOT NULL,
  -- What messages cost, at the rate of about the last minute.
  dollars_per_hour double precision NOT NULL,
  seen_at          timestamptz(3) NOT NULL
);
CREATE INDEX idx_live_sessions_people ON live_sessions (people DESC, session_id DESC);
CREATE INDEX idx_live_sessions_dollars ON live_sessions (dollars_per_hour DESC, session_id DESC);

-- What all sweeps counted in ten seconds, and what the leading sweep found at their end.
CREATE TABLE service_figures (
  slot          timestamptz(0) PRIMARY KEY,
  visits        bigint NOT NULL DEFAULT 0,
  failed_visits bigint NOT NULL DEFAULT 0,
  redis_millis  double precision NOT NULL DEFAULT 0,
  timeouts      bigint NOT NULL DEFAULT 0,
  received      bigint NOT NULL DEFAULT 0,
  posted        bigint NOT NULL DEFAULT 0,
  -- The posts of plain fan-out: each message of a client to each other user of its session.
  fan_out       bigint NOT NULL DEFAULT 0,
  -- By how many milliseconds the latest visit was late.
  sweep_lag     double precision NOT NULL DEFAULT 0,
  found         jsonb
);
