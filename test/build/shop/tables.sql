CREATE TYPE coursebase.colour AS ENUM ('red;', 'blue');
COMMENT ON TYPE coursebase.colour IS 'Colours.';
-- Why the table is there.
CREATE TABLE coursebase.wares (
    id       uuid NOT NULL DEFAULT gen_random_uuid(),
    "order"  integer, -- its place; in the shop
    colour   coursebase.colour DEFAULT 'red;',
    price    numeric(10, 2),
    CONSTRAINT wares_pkey PRIMARY KEY (id),
    CONSTRAINT wares_price_check CHECK (price > 0 AND "order" IN (1, 2))
);
COMMENT ON TABLE coursebase.wares IS 'one;
two.';
COMMENT ON COLUMN coursebase.wares.id IS 'Key.';
COMMENT ON COLUMN coursebase.wares."order" IS 'Place.';
COMMENT ON COLUMN coursebase.wares.colour IS 'Colour.';
COMMENT ON COLUMN coursebase.wares.price IS 'Price.';
ALTER TABLE coursebase.wares ENABLE ROW LEVEL SECURITY;
CREATE INDEX wares_colour_idx ON coursebase.wares (colour);
CREATE UNIQUE INDEX wares_order_idx ON coursebase.wares ("order");
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.wares
    FOR EACH ROW EXECUTE FUNCTION coursebase.quoted();
CREATE CONSTRAINT TRIGGER t900_late AFTER UPDATE ON coursebase.wares
    DEFERRABLE FOR EACH ROW EXECUTE FUNCTION coursebase.quoted();
INSERT INTO coursebase.wares ("order", price) VALUES (1, 2)
ON CONFLICT (id) DO NOTHING;
GRANT SELECT (id, price), UPDATE (price) ON coursebase.wares TO end_user;
