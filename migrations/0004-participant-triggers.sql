-- is_active and left_at express the same fact. If a statement changes one of them, the trigger changes the other.
CREATE FUNCTION align_participant_place() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'UPDATE' AND NEW.is_active <> OLD.is_active AND NEW.left_at IS NOT DISTINCT FROM OLD.left_at THEN
    NEW.left_at := CASE WHEN NEW.is_active THEN NULL ELSE now() END;
  ELSIF TG_OP = 'INSERT' AND NOT NEW.is_active THEN
    NEW.left_at := coalesce(NEW.left_at, NEW.joined_at);
  END IF;
  NEW.is_active := NEW.left_at IS NULL;
  IF NEW.is_active THEN
    NEW.left_cause := NULL;
  END IF;
  RETURN NEW;
END;
$$;

-- The triggers of a row run in the order of their names. This one must run first, because the next one reads left_at.
CREATE TRIGGER participant_1_place BEFORE INSERT OR UPDATE OF is_active, left_at
  ON session_participants FOR EACH ROW EXECUTE FUNCTION align_participant_place();

-- Sets last_seen_at when a participant's row is inserted or the participant changes it, unless the statement sets the
-- time itself. The trigger watches only columns that the participants themselves change: if the owner sets a role or
-- removes a participant, that is no sign of life.
CREATE FUNCTION update_participant_last_seen() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'INSERT' THEN
    NEW.last_seen_at := coalesce(NEW.last_seen_at, NEW.joined_at);
  ELSIF NEW.left_at IS NULL AND NEW.last_seen_at IS NOT DISTINCT FROM OLD.last_seen_at THEN
    NEW.last_seen_at := now();
  END IF;
  RETURN NEW;
END;
$$;

CREATE TRIGGER participant_2_last_seen BEFORE INSERT OR UPDATE OF name, joined_at, is_active
  ON session_participants FOR EACH ROW EXECUTE FUNCTION update_participant_last_seen();
