-- Agents: programs that are present in a session beside the people [SA7]. An agent is a participant with an anonymous id that the
-- service derives from its name. Others see that it is an agent, and for whom it acts.
ALTER TABLE session_participants
  ADD COLUMN kind text CHECK (kind = 'agent'),
  ADD COLUMN on_behalf_of uuid;
