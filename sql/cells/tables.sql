-- Which cell this server is. No row: it is the only one, and nothing here costs anything.
CREATE TABLE coursebase.this_cell (
    singleton   boolean      NOT NULL DEFAULT true,
    number      integer      NOT NULL,
    count       integer      NOT NULL,
    home        integer      NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT this_cell_pkey PRIMARY KEY (singleton),
    CONSTRAINT this_cell_one_row_check CHECK (singleton),
    CONSTRAINT this_cell_count_in_range_check CHECK (count BETWEEN 1 AND 1024),
    CONSTRAINT this_cell_number_in_range_check CHECK (number >= 0 AND number < count),
    CONSTRAINT this_cell_home_in_range_check CHECK (home >= 0 AND home < count)
);
COMMENT ON TABLE coursebase.this_cell IS
    'One row where people are spread over several servers: which of them this one is. No row: this server is the only one. Written by set_cell(), never replicated.';
COMMENT ON COLUMN coursebase.this_cell.singleton IS 'Always true: there is at most one row.';
COMMENT ON COLUMN coursebase.this_cell.number IS 'Number of this cell, from 0.';
COMMENT ON COLUMN coursebase.this_cell.count IS 'How many cells there are, home included.';
COMMENT ON COLUMN coursebase.this_cell.home IS 'Number of the cell that the catalogue and the directory come from.';
COMMENT ON COLUMN coursebase.this_cell.created_at IS 'When this server became a cell.';
COMMENT ON COLUMN coursebase.this_cell.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.this_cell ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.this_cell
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.this_cell TO server;

-- The directory: in which cell each person lives. Written on home and replicated to every cell. The key points to no
-- row of users, because the person lives in one cell and the directory is in all of them.
CREATE TABLE coursebase.people (
    user_id      uuid         NOT NULL,
    external_id  text,
    cell         integer      NOT NULL,
    moves        integer      NOT NULL DEFAULT 0,
    created_at   timestamptz  NOT NULL DEFAULT now(),
    updated_at   timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT people_pkey PRIMARY KEY (user_id),
    CONSTRAINT people_external_id_key UNIQUE (external_id),
    CONSTRAINT people_external_id_not_empty_check CHECK (external_id <> ''),
    CONSTRAINT people_cell_not_negative_check CHECK (cell >= 0),
    CONSTRAINT people_moves_not_negative_check CHECK (moves >= 0)
);
COMMENT ON TABLE coursebase.people IS
    'The directory: in which cell each person lives. Written on home by place_person(), read by routers, replicated to every cell. Empty where there is one server.';
COMMENT ON COLUMN coursebase.people.user_id IS 'The person: users.id in the cell where the person lives.';
COMMENT ON COLUMN coursebase.people.external_id IS 'Id of the person at the authentication provider, as in users.clerk_user_id; NULL for a closed account, whose purchases may still be refunded.';
COMMENT ON COLUMN coursebase.people.cell IS 'Number of the cell.';
COMMENT ON COLUMN coursebase.people.moves IS 'Number of the move that led to the cell, 0 for a person who never moved. Each move of a person has a greater one.';
COMMENT ON COLUMN coursebase.people.created_at IS 'When the person was placed.';
COMMENT ON COLUMN coursebase.people.updated_at IS 'When the row last changed: when the person last moved, unless the account was closed since.';
ALTER TABLE coursebase.people ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.people
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.people TO server;

-- Keys that name something in the whole world, each with the cell that has it. Home's alone: cells ask for them.
-- Where there is one server it stays empty.
CREATE TABLE coursebase.world_keys (
    kind        text         NOT NULL,
    key         text         NOT NULL,
    user_id     uuid,
    cell        integer      NOT NULL,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT world_keys_pkey PRIMARY KEY (kind, key),
    CONSTRAINT world_keys_kind_not_empty_check CHECK (kind <> ''),
    CONSTRAINT world_keys_key_not_empty_check CHECK (key <> ''),
    CONSTRAINT world_keys_cell_not_negative_check CHECK (cell >= 0)
);
COMMENT ON TABLE coursebase.world_keys IS
    'Keys that name something in the whole world (a purchase of a store, a paid session, a line of a store), each with the cell that has it: before a cell commits a row with such a key, home has recorded it here. On home alone; empty where there is one server. Written by triggers and claim_world_keys().';
COMMENT ON COLUMN coursebase.world_keys.kind IS 'What it names: purchase, stripe_session, stripe_payment, stripe_charge, store_event or store_line.';
COMMENT ON COLUMN coursebase.world_keys.key IS 'The columns that make the key, with / between: source/environment/purchase of a store, for example.';
COMMENT ON COLUMN coursebase.world_keys.user_id IS 'Whose it is: the cell in which the person lives has the key, also after the person moved. NULL while nobody is known.';
COMMENT ON COLUMN coursebase.world_keys.cell IS 'The cell that claimed it last, and has it where the directory does not know the person.';
COMMENT ON COLUMN coursebase.world_keys.created_at IS 'When it was first claimed.';
COMMENT ON COLUMN coursebase.world_keys.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.world_keys ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.world_keys
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.world_keys TO server;

-- A sale holds its buyer while it asks home: no longer than somebody waits for an answer.
INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('home_timeout_ms', 'integer', '5000',
        'How long a cell waits for home when it asks for a key, in milliseconds.')
ON CONFLICT (name) DO UPDATE
SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);

-- Who is leaving this cell: the rows stand here, in a document, and nowhere else until they have
-- arrived. No key points to users, whose row is in the document.
CREATE TABLE coursebase.moving_people (
    user_id     uuid         NOT NULL,
    person_id   uuid         NOT NULL,
    move        integer      NOT NULL,
    document    text,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    updated_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT moving_people_pkey PRIMARY KEY (user_id),
    CONSTRAINT moving_people_move_positive_check CHECK (move > 0),
    CONSTRAINT moving_people_document_of_person_check
        CHECK ((document IS NOT NULL) = (user_id = person_id))
);
CREATE INDEX moving_people_person_id_idx ON coursebase.moving_people (person_id);
COMMENT ON TABLE coursebase.moving_people IS
    'Who is leaving this cell for another, from take_person() to release_person(): a row for each account of the person, of which merged ones are too. A row that stays is a move that was not brought to its end.';
COMMENT ON COLUMN coursebase.moving_people.user_id IS 'The account: users.id until it left.';
COMMENT ON COLUMN coursebase.moving_people.person_id IS 'The person: the same, or the account into which this one was merged.';
COMMENT ON COLUMN coursebase.moving_people.move IS 'Number of the move, as people.moves has it once home has decided.';
COMMENT ON COLUMN coursebase.moving_people.document IS 'All rows of the person, as take_person() answers them; NULL for a merged account, whose rows stand in the person''s.';
COMMENT ON COLUMN coursebase.moving_people.created_at IS 'When the person left.';
COMMENT ON COLUMN coursebase.moving_people.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.moving_people ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.moving_people
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.moving_people TO server;

-- What comes from home is not written here: settings, which stand in a slice to the left, and the directory. The other
-- tables of the catalogue have the same trigger where they are made.
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.settings
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
CREATE TRIGGER t300_of_home BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE
    ON coursebase.people
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__of_home();
