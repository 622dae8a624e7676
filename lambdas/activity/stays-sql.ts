/**
 * The stays of people in the session $1, as the common table expressions of a statement. A stay begins with a join and ends with the
 * next leave or the next end of the session. If both have the same time, the end of the session counts last.
 *
 * A guest who signed in is the user, also before the sign-in (rule SE15). A person is present while any of their ids is, so the stays of
 * a guest and of the user that overlap are one stay. A guest who is present at the sign-in has no leave: their part continues until the
 * next leave of the user. This needs no look at `stayEnded`: where the user is present too, that is one stay anyway.
 *
 * - `parts` has the movements of each id (`part`) with the person (`user_id`) that it belongs to.
 * - `stays` has `user_id`, `began`, and `ended` with its `cause`. `ended` is null for who is still present.
 *
 * @param period a condition on `created_at` in SQL: which entries are read.
 */
export const staysOfPeople = (period: string) => `
  movements AS (
    SELECT user_id, created_at AS at, id, activity_type = 'user_joined' AS joins, username, details,
      CASE activity_type WHEN 'user_timeout' THEN 'timeout' ELSE details->>'cause' END AS cause
    FROM activity_log
    WHERE session_id = $1::uuid AND user_id IS NOT NULL AND ${period}
      AND activity_type IN ('user_joined', 'user_left', 'user_timeout')
  ), guests AS (
    SELECT guest_id, user_id, signed_in_at FROM guest_identities WHERE session_id = $1::uuid
  ), parts AS (
    SELECT m.user_id AS part, coalesce(g.user_id, m.user_id) AS user_id, m.at, m.id, m.joins, m.cause, m.username, m.details
    FROM movements m LEFT JOIN guests g ON g.guest_id = m.user_id
    WHERE g.guest_id IS NULL OR m.joins OR m.at <= g.signed_in_at
    UNION ALL
    SELECT g.guest_id, g.user_id, m.at, m.id, false, m.cause, m.username, m.details
    FROM guests g JOIN movements m ON m.user_id = g.user_id AND NOT m.joins AND m.at > g.signed_in_at
  ), ends AS (
    SELECT DISTINCT ON (created_at) created_at AS at, activity_type AS cause FROM activity_log
    WHERE session_id = $1::uuid AND activity_type IN ('session_ended', 'session_expired') AND ${period}
    ORDER BY created_at, id
  ), steps AS (
    SELECT part, user_id, at, id, joins, cause FROM parts
    UNION ALL
    SELECT part, user_id, ends.at, NULL, false, ends.cause
    FROM (SELECT DISTINCT part, user_id FROM parts) everybody CROSS JOIN ends
  ), changes AS (
    SELECT *, lag(joins, 1, false) OVER (PARTITION BY part ORDER BY at, id NULLS LAST) AS before FROM steps
  ), counted AS (
    SELECT *, sum(CASE WHEN joins THEN 1 ELSE -1 END)
      OVER (PARTITION BY user_id ORDER BY at, id NULLS LAST ROWS UNBOUNDED PRECEDING) AS present
    FROM changes WHERE joins <> before
  ), edges AS (
    SELECT user_id, joins, at AS began, lead(at) OVER later AS ended, lead(cause) OVER later AS cause
    FROM counted WHERE present = 0 OR (joins AND present = 1)
    WINDOW later AS (PARTITION BY user_id ORDER BY at, id NULLS LAST)
  ), stays AS (
    SELECT user_id, began, ended, cause FROM edges WHERE joins
  )`;

/**
 * The last join of each person up to a time, as the table `last_join` beside {@link staysOfPeople}: its time, name and role, and for an
 * agent its kind and the user for whom it acts then.
 *
 * @param at the time as an SQL expression.
 */
export const lastJoinsOf = (at: string) => `
  last_joins AS (
    SELECT DISTINCT ON (user_id) user_id, at, username, details FROM parts WHERE joins AND at <= ${at}
    ORDER BY user_id, at DESC, id DESC
  ), last_join AS (
    SELECT j.user_id, j.at, j.username, j.details->>'role' AS role, j.details->>'kind' AS kind,
      coalesce(reassignment.details, j.details)->>'onBehalfOf' AS on_behalf_of
    FROM last_joins j
    LEFT JOIN LATERAL (
      SELECT l.details FROM activity_log l
      WHERE l.session_id = $1::uuid AND l.user_id = j.user_id AND l.activity_type = 'agent_reassigned'
        AND l.created_at >= j.at AND l.created_at <= ${at}
      ORDER BY l.created_at DESC, l.id DESC LIMIT 1
    ) reassignment ON j.details->>'kind' = 'agent'
  )`;
