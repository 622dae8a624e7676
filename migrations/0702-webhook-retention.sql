-- The retention reads delivered events and dead letters apart. With one index for both it read each dead letter of the last weeks again for
-- each part that it removed. A later migration drops idx_webhook_deliveries_finished, which the code before this one uses.
CREATE INDEX idx_webhook_deliveries_delivered ON webhook_deliveries (finished_at) WHERE state = 'delivered';
CREATE INDEX idx_webhook_deliveries_died ON webhook_deliveries (finished_at) WHERE state = 'dead';
