-- Analytics: counts that a sweep keeps from the links of the audit trail. A link gets its position while the sealer holds its
-- lock, so positions become visible in their order. The sweep counts the links after the last position that it counted, and
-- moves that position in the same transaction. So each entry counts once, also one that came late or that a killed sweep began.
ALTER TABLE activity_seals ADD COLUMN position bigint GENERATED ALWAYS AS IDENTITY;
CREATE UNIQUE INDEX idx_activity_seals_position ON activity_seals (position);

CREATE TABLE analytics_progress (
  only_row   boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  position   bigint NOT NULL DEFAULT 0,
  -- When the sweep last counted all links that there were.
  counted_at timestamptz(3),
  -- Joins minus leaves of the days that were removed.
  balance    bigint NOT NULL DEFAULT 0
);
INSERT INTO analytics_progress DEFAULT VALUES;

-- All days and hours are those of UTC. None of the next five tables names a person or a session.
CREATE TABLE analytics_counts (
  hour   timestamptz(0) NOT NULL,
  figure text NOT NULL,
  label  text NOT NULL,
  count  bigint NOT NULL,
  PRIMARY KEY (hour, figure, label)
);

CREATE TABLE analytics_types (
  day           date NOT NULL,
  -- Empty: all types beyond those that are counted by name.
  activity_type text NOT NULL,
  count         bigint NOT NULL,
  PRIMARY KEY (day, activity_type)
);

-- Joins and leaves by minute. Their running sum is the number of people who are present.
CREATE TABLE analytics_minutes (
  minute   timestamptz(0) PRIMARY KEY,
  joined   bigint NOT NULL,
  departed bigint NOT NULL
);

-- The hours of these minutes: joins minus leaves, and the highest running sum at the end of a minute of the hour.
CREATE TABLE analytics_hours (
  hour    timestamptz(0) PRIMARY KEY,
  change  bigint NOT NULL,
  highest bigint NOT NULL
);

CREATE TABLE analytics_days (
  day       date PRIMARY KEY,
  joined    bigint NOT NULL DEFAULT 0,
  departed  bigint NOT NULL DEFAULT 0,
  people    bigint NOT NULL DEFAULT 0,
  returned  bigint NOT NULL DEFAULT 0
);

-- The next two tables name sessions and people. Their rows are kept as long as the audit trail, and no longer.
CREATE TABLE analytics_sessions (
  day        date NOT NULL,
  session_id uuid NOT NULL,
  entries    bigint NOT NULL,
  joins      bigint NOT NULL,
  PRIMARY KEY (day, session_id)
);
CREATE INDEX idx_analytics_sessions_entries ON analytics_sessions (day, entries DESC, session_id DESC);
CREATE INDEX idx_analytics_sessions_joins ON analytics_sessions (day, joins DESC, session_id DESC);

-- The days on which a person has an entry. Whether they return depends on their earlier days.
CREATE TABLE analytics_people (
  person_id uuid NOT NULL,
  day       date NOT NULL,
  returns   boolean NOT NULL DEFAULT false,
  PRIMARY KEY (person_id, day)
);
CREATE INDEX idx_analytics_people_day ON analytics_people (day);
