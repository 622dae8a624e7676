-- Rows that a sweep could not update. A sweep leaves them out until retry_at, so that they do not block the rows behind
-- them. An operator reads here what failed and why.
CREATE TABLE sweep_set_aside (
  step         text NOT NULL,
  id           text NOT NULL,
  error        text NOT NULL,
  failures     integer NOT NULL DEFAULT 1,
  set_aside_at timestamptz(3) NOT NULL,
  retry_at     timestamptz(3) NOT NULL,
  PRIMARY KEY (step, id)
);
