-- The roles that play the parts anonymous, end_user and server, so that install() can grant new objects to them.
CREATE TABLE coursebase.granted_roles (
    part        text        NOT NULL,
    role_name   text        NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT now(),
    updated_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT granted_roles_pkey PRIMARY KEY (part),
    CONSTRAINT granted_roles_part_check CHECK (part IN ('anonymous', 'end_user', 'server'))
);
COMMENT ON TABLE coursebase.granted_roles IS
    'The role that plays each part. Written by grant_roles().';
COMMENT ON COLUMN coursebase.granted_roles.part IS 'anonymous, end_user or server.';
COMMENT ON COLUMN coursebase.granted_roles.role_name IS 'The role of this server that plays the part.';
COMMENT ON COLUMN coursebase.granted_roles.created_at IS 'When the part was first given to a role.';
COMMENT ON COLUMN coursebase.granted_roles.updated_at IS 'When the part was last given to another role.';
-- Generators of types know no name; a table of release 0.1 has one.
ALTER TABLE coursebase.granted_roles ALTER COLUMN role_name TYPE text;
ALTER TABLE coursebase.granted_roles ENABLE ROW LEVEL SECURITY;
-- A fresh installation has given the parts to the roles of its own server: these rows stay when a dump of rows alone is
-- loaded into it.
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.granted_roles
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('keep', 'part');
ALTER TABLE coursebase.granted_roles ENABLE ALWAYS TRIGGER t000_restored;
