CREATE TYPE coursebase.program_delivery_mode AS ENUM ('course', 'live');
COMMENT ON TYPE coursebase.program_delivery_mode IS 'How a program reaches people: as a course that is sold and followed day by day, or live.';
CREATE TYPE coursebase.course_preview_type AS ENUM (
    'none', 'first_day', 'first_week', 'specific_workout');
COMMENT ON TYPE coursebase.course_preview_type IS 'What the storefront shows of a program: nothing, day 0, days 0 to 6, or one workout.';
CREATE TYPE coursebase.publish_status AS ENUM ('draft', 'published', 'archived', 'cancelled');
COMMENT ON TYPE coursebase.publish_status IS 'draft: neither shown on the storefront nor sold; published: both; archived: neither any more, and buyers keep access. cancelled is not used for programs.';
CREATE TYPE coursebase.plan_type AS ENUM ('subscription', 'class_pack', 'drop_in', 'course');
COMMENT ON TYPE coursebase.plan_type IS 'What kind of thing a plan sells.';
CREATE TYPE coursebase.transaction_status AS ENUM (
    'pending', 'completed', 'failed', 'cancelled', 'refund_pending', 'refunded');
COMMENT ON TYPE coursebase.transaction_status IS 'Where a payment is in its life: see the trigger t300_status of payment_transactions for what may follow what.';
CREATE TYPE coursebase.course_entitlement_status AS ENUM ('pending', 'active', 'revoked');
COMMENT ON TYPE coursebase.course_entitlement_status IS 'Whether a buyer may use a program: not yet, now, or not any more.';

-- How long a buyer may use a program. A table and no enum, because a release or an operator adds values.
CREATE TABLE coursebase.access_policies (
    access_policy  varchar(50)  NOT NULL,
    description    text         NOT NULL,
    created_at     timestamptz  NOT NULL DEFAULT now(),
    updated_at     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT access_policies_pkey PRIMARY KEY (access_policy)
);
COMMENT ON TABLE coursebase.access_policies IS 'How long a buyer may use a program: the values of course_configs.access_policy.';
COMMENT ON COLUMN coursebase.access_policies.access_policy IS 'Name of the policy.';
COMMENT ON COLUMN coursebase.access_policies.description IS 'What the policy gives a buyer.';
COMMENT ON COLUMN coursebase.access_policies.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.access_policies.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.access_policies ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t000_restored BEFORE INSERT ON coursebase.access_policies
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__restored('replace', 'access_policy');
ALTER TABLE coursebase.access_policies ENABLE ALWAYS TRIGGER t000_restored;
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.access_policies
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.access_policies TO anonymous, end_user;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.access_policies TO server;
INSERT INTO coursebase.access_policies AS p (access_policy, description)
VALUES ('lifetime', 'Who bought it may use it for ever.')
ON CONFLICT (access_policy) DO UPDATE SET description = excluded.description
WHERE p.description IS DISTINCT FROM excluded.description;

-- What an organisation's programs are made of. The key of course_workouts and t300_in_use keep a workout that a
-- curriculum names.
CREATE TABLE coursebase.workouts (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid         NOT NULL,
    name             text         NOT NULL,
    description      text,
    is_snapshot      boolean      NOT NULL DEFAULT false,
    deleted_at       timestamptz,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT workouts_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)
            AND isfinite(deleted_at)),
    CONSTRAINT workouts_pkey PRIMARY KEY (id),
    CONSTRAINT workouts_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT workouts_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES coursebase.organizations (id) ON DELETE CASCADE,
    CONSTRAINT workouts_name_at_most_200_characters_check CHECK (length(name) <= 200),
    CONSTRAINT workouts_description_at_most_20000_characters_check
        CHECK (length(description) <= 20000)
);
COMMENT ON TABLE coursebase.workouts IS 'Workouts of an organisation. A workout that stands in a curriculum cannot be deleted, softly either.';
COMMENT ON COLUMN coursebase.workouts.id IS 'Key of the workout.';
COMMENT ON COLUMN coursebase.workouts.organization_id IS 'The organisation that owns the workout. Never changes.';
COMMENT ON COLUMN coursebase.workouts.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.workouts.description IS 'Description to show, or NULL.';
COMMENT ON COLUMN coursebase.workouts.is_snapshot IS 'Whether the workout is a copy that keeps what another workout was.';
COMMENT ON COLUMN coursebase.workouts.deleted_at IS 'When the workout was deleted; NULL while it may be used.';
COMMENT ON COLUMN coursebase.workouts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.workouts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.workouts ENABLE ROW LEVEL SECURITY;
-- No statistics of what only some may read: estimates of the planner, which PostgREST answers to
-- Prefer: count=planned, would tell values of it to everybody who may ask about the table.
ALTER TABLE coursebase.workouts
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN description SET STATISTICS 0;
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.workouts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('organization_id');
CREATE TRIGGER t300_in_use BEFORE UPDATE ON coursebase.workouts
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_workouts__in_use();
CREATE TRIGGER t300_at_most AFTER INSERT ON coursebase.workouts
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__rows_an_organization();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.workouts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.workouts TO end_user, server;

-- Every change of a program's curriculum, configuration or price begins with a lock of the program's row, so that
-- the rules over several rows are judged by one transaction at a time.
CREATE TABLE coursebase.programs (
    id               uuid                              NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid                              NOT NULL,
    name             text                              NOT NULL,
    description      text,
    delivery_mode    coursebase.program_delivery_mode  NOT NULL,
    created_at       timestamptz                       NOT NULL DEFAULT now(),
    updated_at       timestamptz                       NOT NULL DEFAULT now(),
    CONSTRAINT programs_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT programs_pkey PRIMARY KEY (id),
    CONSTRAINT programs_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT programs_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES coursebase.organizations (id) ON DELETE RESTRICT,
    CONSTRAINT programs_name_not_empty_check CHECK (btrim(name) <> ''),
    CONSTRAINT programs_name_at_most_200_characters_check CHECK (length(name) <= 200),
    CONSTRAINT programs_description_at_most_20000_characters_check
        CHECK (length(description) <= 20000)
);
COMMENT ON TABLE coursebase.programs IS 'What organisations offer. A program that is delivered day by day has a row in course_configs.';
COMMENT ON COLUMN coursebase.programs.id IS 'Key of the program.';
COMMENT ON COLUMN coursebase.programs.organization_id IS 'The organisation that owns the program. Never changes.';
COMMENT ON COLUMN coursebase.programs.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.programs.description IS 'Description to show, or NULL.';
COMMENT ON COLUMN coursebase.programs.delivery_mode IS 'course (day by day) or live. Does not change while course_configs has a row for the program.';
COMMENT ON COLUMN coursebase.programs.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.programs.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.programs ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.programs
    ALTER COLUMN name SET STATISTICS 0,
    ALTER COLUMN description SET STATISTICS 0;
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.programs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('id', 'organization_id');
CREATE TRIGGER t300_delivery_mode BEFORE UPDATE ON coursebase.programs
    FOR EACH ROW WHEN (OLD.delivery_mode <> NEW.delivery_mode)
    EXECUTE FUNCTION coursebase.tg_programs__delivery_mode();
CREATE TRIGGER t300_at_most AFTER INSERT ON coursebase.programs
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__rows_an_organization();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.programs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.programs TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.programs TO end_user, server;

-- organization_id repeats that of the program, so that keys refuse a preview workout of another organisation.
CREATE TABLE coursebase.course_configs (
    program_id          uuid                            NOT NULL,
    organization_id     uuid                            NOT NULL DEFAULT nullif(0, 0)::text::uuid,
    duration_days       integer                         NOT NULL,
    access_policy       varchar(50)                     NOT NULL DEFAULT 'lifetime',
    preview_type        coursebase.course_preview_type  NOT NULL DEFAULT 'none',
    preview_workout_id  uuid,
    status              coursebase.publish_status       NOT NULL DEFAULT 'draft',
    published_at        timestamptz,
    archived_at         timestamptz,
    created_at          timestamptz                     NOT NULL DEFAULT now(),
    updated_at          timestamptz                     NOT NULL DEFAULT now(),
    CONSTRAINT course_configs_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)
            AND isfinite(archived_at) AND isfinite(published_at)),
    CONSTRAINT course_configs_pkey PRIMARY KEY (program_id),
    -- PostgREST embeds one row, not a list, where the columns of a foreign key are those of a key.
    CONSTRAINT course_configs_organization_id_program_id_key UNIQUE (organization_id, program_id),
    CONSTRAINT course_configs_program_id_organization_id_fkey
        FOREIGN KEY (program_id, organization_id)
        REFERENCES coursebase.programs (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT course_configs_access_policy_fkey FOREIGN KEY (access_policy)
        REFERENCES coursebase.access_policies (access_policy) ON DELETE RESTRICT,
    CONSTRAINT course_configs_preview_workout_id_organization_id_fkey
        FOREIGN KEY (preview_workout_id, organization_id)
        REFERENCES coursebase.workouts (id, organization_id) ON DELETE RESTRICT,
    CONSTRAINT course_configs_duration_positive_check CHECK (duration_days > 0),
    CONSTRAINT course_configs_preview_workout_exactly_for_its_type_check
        CHECK ((preview_type = 'specific_workout') = (preview_workout_id IS NOT NULL)),
    CONSTRAINT course_configs_never_cancelled_check CHECK (status <> 'cancelled'),
    CONSTRAINT course_configs_published_has_a_time_check
        CHECK (status <> 'published' OR published_at IS NOT NULL),
    CONSTRAINT course_configs_archived_has_a_time_check
        CHECK ((status = 'archived') = (archived_at IS NOT NULL))
);
CREATE INDEX course_configs_access_policy_idx ON coursebase.course_configs (access_policy);
CREATE INDEX course_configs_preview_workout_id_idx
    ON coursebase.course_configs (preview_workout_id, organization_id);
CREATE INDEX course_configs_published_idx ON coursebase.course_configs (program_id)
    WHERE status = 'published';
COMMENT ON TABLE coursebase.course_configs IS 'The configuration of a program that is delivered day by day: how many days it has, what the storefront shows of them, and whether it is published.';
COMMENT ON COLUMN coursebase.course_configs.program_id IS 'The program.';
COMMENT ON COLUMN coursebase.course_configs.organization_id IS 'The organisation that owns the program. Kept by a trigger and a key.';
COMMENT ON COLUMN coursebase.course_configs.duration_days IS 'How many days the program has; never fewer than its curriculum uses.';
COMMENT ON COLUMN coursebase.course_configs.access_policy IS 'How long a buyer may use the program: one of access_policies.';
COMMENT ON COLUMN coursebase.course_configs.preview_type IS 'none, first_day, first_week (days 0 to 6) or specific_workout.';
COMMENT ON COLUMN coursebase.course_configs.preview_workout_id IS 'The workout of the curriculum that specific_workout shows; NULL for other types.';
COMMENT ON COLUMN coursebase.course_configs.status IS 'draft, published or archived. No program returns to draft.';
COMMENT ON COLUMN coursebase.course_configs.published_at IS 'When the program was last published, or NULL. Kept by a trigger.';
COMMENT ON COLUMN coursebase.course_configs.archived_at IS 'When the program was archived; NULL unless it is archived. Kept by a trigger.';
COMMENT ON COLUMN coursebase.course_configs.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_configs.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_configs ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t100_guard BEFORE INSERT OR UPDATE ON coursebase.course_configs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_configs__guard();
CREATE TRIGGER t300_rules AFTER INSERT OR UPDATE OR DELETE ON coursebase.course_configs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_configs__rules();
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.course_configs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('program_id', 'organization_id');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_configs
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.course_configs TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_configs TO end_user, server;

-- The curriculum. A workout may stand in a day more than once; a day of rest is one row without a workout.
CREATE TABLE coursebase.course_workouts (
    id               uuid         NOT NULL DEFAULT gen_random_uuid(),
    program_id       uuid         NOT NULL,
    organization_id  uuid         NOT NULL DEFAULT nullif(0, 0)::text::uuid,
    day_offset       integer      NOT NULL,
    sort_order       integer      NOT NULL,
    workout_id       uuid,
    is_rest          boolean      NOT NULL DEFAULT false,
    created_at       timestamptz  NOT NULL DEFAULT now(),
    updated_at       timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT course_workouts_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT course_workouts_pkey PRIMARY KEY (id),
    CONSTRAINT course_workouts_id_program_id_key UNIQUE (id, program_id),
    CONSTRAINT course_workouts_program_id_day_offset_sort_order_key
        UNIQUE (program_id, day_offset, sort_order) DEFERRABLE INITIALLY IMMEDIATE,
    CONSTRAINT course_workouts_program_id_organization_id_fkey
        FOREIGN KEY (program_id, organization_id)
        REFERENCES coursebase.programs (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT course_workouts_workout_id_organization_id_fkey
        FOREIGN KEY (workout_id, organization_id)
        REFERENCES coursebase.workouts (id, organization_id) ON DELETE RESTRICT,
    CONSTRAINT course_workouts_day_offset_not_negative_check CHECK (day_offset >= 0),
    CONSTRAINT course_workouts_sort_order_not_negative_check CHECK (sort_order >= 0),
    CONSTRAINT course_workouts_rest_has_no_workout_check CHECK (is_rest = (workout_id IS NULL)),
    CONSTRAINT course_workouts_rest_comes_first_check CHECK (NOT is_rest OR sort_order = 0)
);
CREATE INDEX course_workouts_program_day_idx
    ON coursebase.course_workouts (program_id, day_offset);
CREATE INDEX course_workouts_organization_id_program_id_idx
    ON coursebase.course_workouts (organization_id, program_id);
CREATE INDEX course_workouts_workout_id_idx
    ON coursebase.course_workouts (workout_id, organization_id);
COMMENT ON TABLE coursebase.course_workouts IS 'The curriculum of a program: which workouts on which day, in which order. A row is a place.';
COMMENT ON COLUMN coursebase.course_workouts.id IS 'Key of the place in the curriculum.';
COMMENT ON COLUMN coursebase.course_workouts.program_id IS 'The program. Never changes.';
COMMENT ON COLUMN coursebase.course_workouts.organization_id IS 'The organisation that owns program and workout. Kept by a trigger and keys.';
COMMENT ON COLUMN coursebase.course_workouts.day_offset IS 'The day, from 0; below the program''s duration_days.';
COMMENT ON COLUMN coursebase.course_workouts.sort_order IS 'The place within the day, from 0.';
COMMENT ON COLUMN coursebase.course_workouts.workout_id IS 'The workout; NULL on a day of rest.';
COMMENT ON COLUMN coursebase.course_workouts.is_rest IS 'Whether the place is a day of rest: then it is the only place of its day.';
COMMENT ON COLUMN coursebase.course_workouts.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_workouts.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_workouts ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.course_workouts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once(
        'id', 'program_id', 'organization_id');
CREATE TRIGGER t100_program BEFORE INSERT ON coursebase.course_workouts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_workouts__program();
CREATE TRIGGER t100_reopen BEFORE INSERT OR UPDATE OR DELETE ON coursebase.course_workouts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workouts__reopen();
CREATE TRIGGER t300_rules_on_insert AFTER INSERT ON coursebase.course_workouts
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workouts__rules();
CREATE TRIGGER t300_rules_on_update AFTER UPDATE ON coursebase.course_workouts
    REFERENCING OLD TABLE AS former NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workouts__rules();
CREATE TRIGGER t300_rules_on_delete AFTER DELETE ON coursebase.course_workouts
    REFERENCING OLD TABLE AS former
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workouts__rules();
CREATE TRIGGER t300_rules_on_truncate AFTER TRUNCATE ON coursebase.course_workouts
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workouts__rules();
-- Judged at commit, so that a day may be deleted and inserted anew. Its name sorts before those of the keys'
-- triggers: it gives completions another place before the key looks for the old one.
CREATE CONSTRAINT TRIGGER "A500_settle_on_delete" AFTER DELETE ON coursebase.course_workouts
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_workouts__settle();
CREATE CONSTRAINT TRIGGER "A500_settle_on_update" AFTER UPDATE ON coursebase.course_workouts
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN ((OLD.workout_id, OLD.is_rest) IS DISTINCT FROM (NEW.workout_id, NEW.is_rest))
    EXECUTE FUNCTION coursebase.tg_course_workouts__settle();
CREATE TRIGGER t300_at_most AFTER INSERT ON coursebase.course_workouts
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__rows_an_organization();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_workouts
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_workouts TO end_user, server;

-- What an organisation sells and for how much. plans_course_idx keeps one plan of type course a program.
CREATE TABLE coursebase.plans (
    id               uuid                  NOT NULL DEFAULT gen_random_uuid(),
    organization_id  uuid                  NOT NULL,
    program_id       uuid,
    type             coursebase.plan_type  NOT NULL,
    name             text                  NOT NULL,
    price_in_cents   integer               NOT NULL,
    currency         char(3)               NOT NULL DEFAULT NULL,
    is_active        boolean               NOT NULL DEFAULT true,
    created_at       timestamptz           NOT NULL DEFAULT now(),
    updated_at       timestamptz           NOT NULL DEFAULT now(),
    CONSTRAINT plans_times_finite_check
        CHECK (isfinite(created_at) AND isfinite(updated_at)),
    CONSTRAINT plans_pkey PRIMARY KEY (id),
    CONSTRAINT plans_organization_id_id_key UNIQUE (organization_id, id),
    CONSTRAINT plans_id_program_id_key UNIQUE (id, program_id),
    CONSTRAINT plans_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES coursebase.organizations (id) ON DELETE CASCADE,
    CONSTRAINT plans_program_id_organization_id_fkey FOREIGN KEY (program_id, organization_id)
        REFERENCES coursebase.programs (id, organization_id) ON DELETE CASCADE,
    CONSTRAINT plans_name_at_most_200_characters_check CHECK (length(name) <= 200),
    CONSTRAINT plans_price_not_negative_check CHECK (price_in_cents >= 0),
    CONSTRAINT plans_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT plans_course_has_a_program_check
        CHECK (type <> 'course' OR program_id IS NOT NULL)
);
CREATE UNIQUE INDEX plans_course_idx ON coursebase.plans (program_id) WHERE type = 'course';
CREATE INDEX plans_program_id_idx ON coursebase.plans (program_id, organization_id);
COMMENT ON TABLE coursebase.plans IS 'What organisations sell and for how much. A program that is delivered day by day has one plan of type course.';
COMMENT ON COLUMN coursebase.plans.id IS 'Key of the plan.';
COMMENT ON COLUMN coursebase.plans.organization_id IS 'The organisation that sells the plan. Never changes.';
COMMENT ON COLUMN coursebase.plans.program_id IS 'The program that the plan sells, of the same organisation; NULL for a plan that sells no particular program. Set once.';
COMMENT ON COLUMN coursebase.plans.type IS 'subscription, class_pack, drop_in or course.';
COMMENT ON COLUMN coursebase.plans.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.plans.price_in_cents IS 'Price in minor units of currency; 0 is free.';
COMMENT ON COLUMN coursebase.plans.currency IS 'The organisation''s currency. Kept by a trigger.';
COMMENT ON COLUMN coursebase.plans.is_active IS 'Whether the plan is sold.';
COMMENT ON COLUMN coursebase.plans.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.plans.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.plans ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.plans
    ALTER COLUMN name SET STATISTICS 0;
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.plans
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once(
        'id', 'organization_id', 'program_id');
CREATE TRIGGER t100_currency BEFORE INSERT OR UPDATE ON coursebase.plans
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_plans__currency();
CREATE TRIGGER t300_at_most AFTER INSERT ON coursebase.plans
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__rows_an_organization();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.plans
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
GRANT SELECT ON TABLE coursebase.plans TO anonymous;
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.plans TO end_user, server;

-- What came and went through an organisation's payment provider. program_id repeats that of the plan, so that keys
-- refuse a payment for another program than the plan sells, and for a program of another organisation.
CREATE TABLE coursebase.payment_transactions (
    id                      uuid                           NOT NULL DEFAULT gen_random_uuid(),
    organization_id         uuid                           NOT NULL,
    user_id                 uuid                           NOT NULL,
    membership_id           uuid,
    plan_id                 uuid                           NOT NULL,
    program_id              uuid,
    amount_in_cents         integer                        NOT NULL,
    currency                char(3)                        NOT NULL DEFAULT NULL,
    type                    text                           NOT NULL,
    status                  coursebase.transaction_status  NOT NULL DEFAULT 'pending',
    provider                text,
    provider_reference      text,
    refunds_transaction_id  uuid,
    created_at              timestamptz                    NOT NULL DEFAULT now(),
    updated_at              timestamptz                    NOT NULL DEFAULT now(),
    payment_intent_id       text,
    charge_id               text,
    provider_refunds        jsonb,
    CONSTRAINT payment_transactions_pkey PRIMARY KEY (id),
    CONSTRAINT payment_transactions_id_program_id_user_id_key UNIQUE (id, program_id, user_id),
    CONSTRAINT payment_transactions_id_organization_id_user_id_key
        UNIQUE (id, organization_id, user_id),
    CONSTRAINT payment_transactions_provider_reference_unique
        UNIQUE (organization_id, provider, provider_reference, type),
    CONSTRAINT payment_transactions_organization_id_fkey FOREIGN KEY (organization_id)
        REFERENCES coursebase.organizations (id) ON DELETE RESTRICT,
    CONSTRAINT payment_transactions_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT payment_transactions_membership_id_organization_id_user_id_fkey
        FOREIGN KEY (membership_id, organization_id, user_id)
        REFERENCES coursebase.memberships (id, organization_id, user_id)
        ON DELETE SET NULL (membership_id),
    CONSTRAINT payment_transactions_plan_id_organization_id_fkey
        FOREIGN KEY (plan_id, organization_id)
        REFERENCES coursebase.plans (id, organization_id) ON DELETE RESTRICT,
    CONSTRAINT payment_transactions_plan_id_program_id_fkey FOREIGN KEY (plan_id, program_id)
        REFERENCES coursebase.plans (id, program_id) ON DELETE RESTRICT,
    CONSTRAINT payment_transactions_refunds_transaction_id_organization_id_use
        FOREIGN KEY (refunds_transaction_id, organization_id, user_id)
        REFERENCES coursebase.payment_transactions (id, organization_id, user_id)
        ON DELETE RESTRICT,
    CONSTRAINT payment_transactions_amount_not_negative_check CHECK (amount_in_cents >= 0),
    CONSTRAINT payment_transactions_currency_form_check CHECK (currency ~ '^[A-Z]{3}$'),
    CONSTRAINT payment_transactions_type_known_check CHECK (type IN ('charge', 'refund')),
    CONSTRAINT payment_transactions_refund_of_a_charge_check
        CHECK ((type = 'refund') = (refunds_transaction_id IS NOT NULL)),
    CONSTRAINT payment_transactions_refunds_another_check CHECK (refunds_transaction_id <> id),
    CONSTRAINT payment_transactions_reference_of_a_provider_check
        CHECK (provider_reference IS NULL OR provider IS NOT NULL),
    CONSTRAINT payment_transactions_provider_not_empty_check CHECK (btrim(provider) <> ''),
    CONSTRAINT payment_transactions_provider_reference_not_empty_check
        CHECK (btrim(provider_reference) <> '')
);
CREATE INDEX payment_transactions_user_id_idx ON coursebase.payment_transactions (user_id);
CREATE INDEX payment_transactions_membership_idx
    ON coursebase.payment_transactions (membership_id, organization_id, user_id);
CREATE INDEX payment_transactions_plan_idx
    ON coursebase.payment_transactions (plan_id, organization_id);
CREATE INDEX payment_transactions_plan_program_idx
    ON coursebase.payment_transactions (plan_id, program_id);
CREATE INDEX payment_transactions_refunds_idx
    ON coursebase.payment_transactions (refunds_transaction_id, organization_id, user_id);
CREATE INDEX payment_transactions_reference_idx
    ON coursebase.payment_transactions (provider, provider_reference);
CREATE INDEX payment_transactions_payment_intent_id_idx
    ON coursebase.payment_transactions (payment_intent_id) WHERE payment_intent_id IS NOT NULL;
CREATE INDEX payment_transactions_charge_id_idx
    ON coursebase.payment_transactions (charge_id) WHERE charge_id IS NOT NULL;
CREATE UNIQUE INDEX payment_transactions_one_refund_idx
    ON coursebase.payment_transactions (refunds_transaction_id);
CREATE UNIQUE INDEX payment_transactions_one_pending_idx
    ON coursebase.payment_transactions (user_id, program_id)
    WHERE status = 'pending' AND type = 'charge';
COMMENT ON TABLE coursebase.payment_transactions IS 'Payments: money that came to an organisation for a plan (charge), or went back (refund). A person has at most one pending charge for a program.';
COMMENT ON COLUMN coursebase.payment_transactions.id IS 'Key of the payment.';
COMMENT ON COLUMN coursebase.payment_transactions.organization_id IS 'The organisation that is paid. Never changes.';
COMMENT ON COLUMN coursebase.payment_transactions.user_id IS 'The person who pays.';
COMMENT ON COLUMN coursebase.payment_transactions.membership_id IS 'The payer''s membership of that organisation, or NULL.';
COMMENT ON COLUMN coursebase.payment_transactions.plan_id IS 'The plan that was bought, of the same organisation.';
COMMENT ON COLUMN coursebase.payment_transactions.program_id IS 'The program that the plan sells, or NULL. Kept by a trigger and a key.';
COMMENT ON COLUMN coursebase.payment_transactions.amount_in_cents IS 'The amount, in minor units of currency.';
COMMENT ON COLUMN coursebase.payment_transactions.currency IS 'ISO 4217 code, in upper case; the organisation''s where an INSERT names none.';
COMMENT ON COLUMN coursebase.payment_transactions.type IS 'charge or refund.';
COMMENT ON COLUMN coursebase.payment_transactions.status IS 'pending, completed, failed, cancelled, refund_pending or refunded. The trigger t300_status says which may follow which.';
COMMENT ON COLUMN coursebase.payment_transactions.provider IS 'The payment provider; NULL until attach_payment_reference() names it.';
COMMENT ON COLUMN coursebase.payment_transactions.provider_reference IS 'The provider''s name for the payment; NULL until attach_payment_reference() names it.';
COMMENT ON COLUMN coursebase.payment_transactions.refunds_transaction_id IS 'For a refund the charge that it gives back; NULL for a charge.';
COMMENT ON COLUMN coursebase.payment_transactions.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.payment_transactions.updated_at IS 'When the row last changed.';
COMMENT ON COLUMN coursebase.payment_transactions.payment_intent_id IS 'Stripe''s id of the payment, where the reference is a session: refunds name it. NULL if it was not told.';
COMMENT ON COLUMN coursebase.payment_transactions.charge_id IS 'Stripe''s id of the charge; NULL if it was not told.';
COMMENT ON COLUMN coursebase.payment_transactions.provider_refunds IS 'By the provider''s ids, its last word of each refund and dispute, and of their sum: kind, amount, at, is_reversed. The charge is refunded when what stands is the whole. NULL if none was told.';
ALTER TABLE coursebase.payment_transactions ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t100_program BEFORE INSERT ON coursebase.payment_transactions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_payment_transactions__program();
CREATE TRIGGER t100_currency BEFORE INSERT ON coursebase.payment_transactions
    FOR EACH ROW WHEN (NEW.currency IS NULL)
    EXECUTE FUNCTION coursebase.tg_payment_transactions__currency();
CREATE TRIGGER t100_lock_user BEFORE UPDATE ON coursebase.payment_transactions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__lock_user();
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.payment_transactions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once('id', 'organization_id', 'user_id',
        'plan_id', 'program_id', 'amount_in_cents', 'currency', 'type', 'provider',
        'provider_reference', 'refunds_transaction_id');
CREATE TRIGGER t300_status BEFORE UPDATE ON coursebase.payment_transactions
    FOR EACH ROW WHEN (OLD.status <> NEW.status AND (OLD.status::text, NEW.status::text) NOT IN (
        ('pending', 'completed'), ('pending', 'failed'), ('pending', 'cancelled'),
        ('cancelled', 'completed'), ('completed', 'refunded'), ('completed', 'refund_pending'),
        ('refund_pending', 'refunded')))
    EXECUTE FUNCTION coursebase.tg_payment_transactions__status();
-- A stolen server key must not invent a payment. What failed, is pending or was given back gives nothing.
CREATE TRIGGER t300_signed_only BEFORE INSERT ON coursebase.payment_transactions
    FOR EACH ROW WHEN (NEW.type = 'charge' AND NEW.status = 'completed')
    EXECUTE FUNCTION coursebase.tg_any__signed_only('provider');
CREATE TRIGGER t300_signed_only_on_update BEFORE UPDATE ON coursebase.payment_transactions
    FOR EACH ROW WHEN (NEW.type = 'charge' AND NEW.status = 'completed'
        AND (OLD.status, OLD.provider) IS DISTINCT FROM (NEW.status, NEW.provider))
    EXECUTE FUNCTION coursebase.tg_any__signed_only('provider');
-- Judged at commit, so that a program may write the refund and the entitlement itself.
CREATE CONSTRAINT TRIGGER t500_refund AFTER UPDATE ON coursebase.payment_transactions
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.type = 'charge' AND OLD.status <> NEW.status
        AND NEW.status IN ('refunded', 'refund_pending'))
    EXECUTE FUNCTION coursebase.tg_payment_transactions__refund();
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.payment_transactions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
-- The provider may tell that a session was paid before the reference is attached.
CREATE TRIGGER t900_wake_waiting AFTER UPDATE ON coursebase.payment_transactions
    FOR EACH ROW WHEN ((OLD.provider_reference, OLD.payment_intent_id, OLD.charge_id)
        IS DISTINCT FROM (NEW.provider_reference, NEW.payment_intent_id, NEW.charge_id))
    EXECUTE FUNCTION coursebase.tg_any__take_up('provider_reference', 'payment_intent_id',
        'charge_id');
GRANT SELECT ON TABLE coursebase.payment_transactions TO end_user;
GRANT SELECT, INSERT, UPDATE ON TABLE coursebase.payment_transactions TO server;

-- Who may use which program. One row a person and program, also after it was revoked: a new purchase takes the old
-- row up again, with its start and its completions.
CREATE TABLE coursebase.course_entitlements (
    id                             uuid         NOT NULL DEFAULT gen_random_uuid(),
    user_id                        uuid         NOT NULL,
    membership_id                  uuid,
    program_id                     uuid         NOT NULL,
    organization_id                uuid         NOT NULL DEFAULT nullif(0, 0)::text::uuid,
    status                         coursebase.course_entitlement_status  NOT NULL,
    start_date                     date,
    completed_at                   timestamptz,
    restart_count                  integer      NOT NULL DEFAULT 0,
    source_payment_transaction_id  uuid,
    access_revoked_at              timestamptz,
    created_at                     timestamptz  NOT NULL DEFAULT now(),
    updated_at                     timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT course_entitlements_pkey PRIMARY KEY (id),
    CONSTRAINT course_entitlements_user_program_unique UNIQUE (user_id, program_id),
    CONSTRAINT course_entitlements_id_program_id_key UNIQUE (id, program_id),
    CONSTRAINT course_entitlements_source_payment_transaction_id_key
        UNIQUE (source_payment_transaction_id),
    CONSTRAINT course_entitlements_user_id_fkey FOREIGN KEY (user_id)
        REFERENCES coursebase.users (id) ON DELETE RESTRICT,
    CONSTRAINT course_entitlements_membership_id_organization_id_user_id_fkey
        FOREIGN KEY (membership_id, organization_id, user_id)
        REFERENCES coursebase.memberships (id, organization_id, user_id)
        ON DELETE SET NULL (membership_id),
    CONSTRAINT course_entitlements_program_id_organization_id_fkey
        FOREIGN KEY (program_id, organization_id)
        REFERENCES coursebase.programs (id, organization_id) ON DELETE RESTRICT,
    CONSTRAINT course_entitlements_source_payment_transaction_id_program_id_us
        FOREIGN KEY (source_payment_transaction_id, program_id, user_id)
        REFERENCES coursebase.payment_transactions (id, program_id, user_id) ON DELETE RESTRICT,
    CONSTRAINT course_entitlements_restart_count_not_negative_check CHECK (restart_count >= 0),
    CONSTRAINT course_entitlements_start_date_finite_check CHECK (isfinite(start_date)),
    CONSTRAINT course_entitlements_revoked_has_a_time_check
        CHECK ((status = 'revoked') = (access_revoked_at IS NOT NULL))
);
CREATE INDEX course_entitlements_user_idx ON coursebase.course_entitlements (user_id);
CREATE INDEX course_entitlements_membership_idx
    ON coursebase.course_entitlements (membership_id, organization_id, user_id);
CREATE INDEX course_entitlements_program_idx
    ON coursebase.course_entitlements (program_id, organization_id);
CREATE INDEX course_entitlements_organization_id_idx
    ON coursebase.course_entitlements (organization_id);
CREATE INDEX course_entitlements_source_idx ON coursebase.course_entitlements
    (source_payment_transaction_id, program_id, user_id);
COMMENT ON TABLE coursebase.course_entitlements IS 'Entitlements: who may use which program, since when, and how far they have come. One row a person and program.';
COMMENT ON COLUMN coursebase.course_entitlements.id IS 'Key of the entitlement.';
COMMENT ON COLUMN coursebase.course_entitlements.user_id IS 'The buyer. Never changes.';
COMMENT ON COLUMN coursebase.course_entitlements.membership_id IS 'The buyer''s membership of the seller, or NULL.';
COMMENT ON COLUMN coursebase.course_entitlements.program_id IS 'The program. Never changes.';
COMMENT ON COLUMN coursebase.course_entitlements.organization_id IS 'The organisation that sells the program. Kept by a trigger and keys.';
COMMENT ON COLUMN coursebase.course_entitlements.status IS 'pending (not paid yet), active or revoked.';
COMMENT ON COLUMN coursebase.course_entitlements.start_date IS 'Day 0, a date in the organisation''s time zone; NULL until the buyer starts.';
COMMENT ON COLUMN coursebase.course_entitlements.completed_at IS 'When the last of all workouts was done; NULL while a workout is not done. Kept by triggers, whatever a statement writes.';
COMMENT ON COLUMN coursebase.course_entitlements.restart_count IS 'How often the buyer began anew.';
COMMENT ON COLUMN coursebase.course_entitlements.source_payment_transaction_id IS 'The completed charge that the entitlement rests on, of this buyer for this program; NULL for a free one.';
COMMENT ON COLUMN coursebase.course_entitlements.access_revoked_at IS 'When the entitlement was revoked; NULL unless it is revoked. Follows status where a statement changes that alone.';
COMMENT ON COLUMN coursebase.course_entitlements.created_at IS 'When the row was made.';
COMMENT ON COLUMN coursebase.course_entitlements.updated_at IS 'When the row last changed.';
ALTER TABLE coursebase.course_entitlements ENABLE ROW LEVEL SECURITY;
CREATE TRIGGER t100_organization BEFORE INSERT ON coursebase.course_entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_entitlements__organization();
CREATE TRIGGER t300_completed_on_insert BEFORE INSERT ON coursebase.course_entitlements
    FOR EACH ROW WHEN (NEW.completed_at IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_course_entitlements__completed();
CREATE TRIGGER t300_completed_on_update BEFORE UPDATE ON coursebase.course_entitlements
    FOR EACH ROW WHEN (OLD.completed_at IS DISTINCT FROM NEW.completed_at)
    EXECUTE FUNCTION coursebase.tg_course_entitlements__completed();
CREATE TRIGGER t200_revoked_on_insert BEFORE INSERT ON coursebase.course_entitlements
    FOR EACH ROW WHEN ((NEW.status = 'revoked') <> (NEW.access_revoked_at IS NOT NULL))
    EXECUTE FUNCTION coursebase.tg_course_entitlements__revoked();
CREATE TRIGGER t200_revoked_on_update BEFORE UPDATE ON coursebase.course_entitlements
    FOR EACH ROW WHEN (OLD.status <> NEW.status
        AND (NEW.status = 'revoked') <> (NEW.access_revoked_at IS NOT NULL))
    EXECUTE FUNCTION coursebase.tg_course_entitlements__revoked();
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.course_entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once(
        'id', 'user_id', 'program_id', 'organization_id');
CREATE TRIGGER t500_stamp BEFORE UPDATE ON coursebase.course_entitlements
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__stamp();
-- A program that is given away: nothing else records who did it.
CREATE TRIGGER t900_audit AFTER INSERT ON coursebase.course_entitlements
    FOR EACH ROW WHEN (NEW.status = 'active')
    EXECUTE FUNCTION coursebase.tg_course_entitlements__audit();
CREATE TRIGGER t900_audit_on_update AFTER UPDATE ON coursebase.course_entitlements
    FOR EACH ROW WHEN (NEW.status = 'active' AND OLD.status <> 'active')
    EXECUTE FUNCTION coursebase.tg_course_entitlements__audit();
GRANT SELECT ON TABLE coursebase.course_entitlements TO end_user;
GRANT SELECT, INSERT, UPDATE ON TABLE coursebase.course_entitlements TO server;

-- What a buyer has done. program_id repeats that of entitlement and place, so that keys refuse two programs. The key to
-- the place is judged at commit: until then A500_settle_on_delete gives what was done to the place that follows.
CREATE TABLE coursebase.course_workout_completions (
    id                 uuid         NOT NULL DEFAULT gen_random_uuid(),
    entitlement_id     uuid         NOT NULL,
    course_workout_id  uuid         NOT NULL,
    program_id         uuid         NOT NULL DEFAULT nullif(0, 0)::text::uuid,
    completed_at       timestamptz  NOT NULL DEFAULT now(),
    notes              text,
    CONSTRAINT course_workout_completions_times_finite_check CHECK (isfinite(completed_at)),
    CONSTRAINT course_workout_completions_pkey PRIMARY KEY (id),
    CONSTRAINT course_workout_completions_entitlement_workout_unique
        UNIQUE (entitlement_id, course_workout_id),
    CONSTRAINT course_workout_completions_entitlement_id_program_id_fkey
        FOREIGN KEY (entitlement_id, program_id)
        REFERENCES coursebase.course_entitlements (id, program_id) ON DELETE CASCADE,
    CONSTRAINT course_workout_completions_course_workout_id_program_id_fkey
        FOREIGN KEY (course_workout_id, program_id)
        REFERENCES coursebase.course_workouts (id, program_id) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT course_workout_completions_notes_at_most_2000_characters_check
        CHECK (length(notes) <= 2000)
);
CREATE INDEX course_workout_completions_entitlement_idx
    ON coursebase.course_workout_completions (entitlement_id, program_id);
CREATE INDEX course_workout_completions_workout_idx
    ON coursebase.course_workout_completions (course_workout_id, program_id);
COMMENT ON TABLE coursebase.course_workout_completions IS 'Which places of a program''s curriculum buyers have done.';
COMMENT ON COLUMN coursebase.course_workout_completions.id IS 'Key of the row.';
COMMENT ON COLUMN coursebase.course_workout_completions.entitlement_id IS 'The buyer''s entitlement.';
COMMENT ON COLUMN coursebase.course_workout_completions.course_workout_id IS 'The place in the curriculum; never a day of rest. Follows the workout when its place is deleted and inserted again in one transaction, and otherwise never changes.';
COMMENT ON COLUMN coursebase.course_workout_completions.program_id IS 'The program of entitlement and place. Kept by a trigger and keys.';
COMMENT ON COLUMN coursebase.course_workout_completions.completed_at IS 'When the workout was done. Never changes.';
COMMENT ON COLUMN coursebase.course_workout_completions.notes IS 'The buyer''s notes, at most 2000 characters, or NULL.';
ALTER TABLE coursebase.course_workout_completions ENABLE ROW LEVEL SECURITY;
ALTER TABLE coursebase.course_workout_completions
    ALTER COLUMN notes SET STATISTICS 0;
CREATE TRIGGER t100_program BEFORE INSERT ON coursebase.course_workout_completions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_workout_completions__program();
CREATE TRIGGER t300_set_once BEFORE UPDATE ON coursebase.course_workout_completions
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_any__set_once(
        'id', 'entitlement_id', 'program_id', 'completed_at');
CREATE TRIGGER t300_keep_place BEFORE UPDATE ON coursebase.course_workout_completions
    FOR EACH ROW WHEN (OLD.course_workout_id <> NEW.course_workout_id)
    EXECUTE FUNCTION coursebase.tg_course_workout_completions__keep_place();
CREATE CONSTRAINT TRIGGER "A500_settle" AFTER INSERT ON coursebase.course_workout_completions
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_course_workout_completions__settle();
CREATE TRIGGER t500_derive_on_insert AFTER INSERT ON coursebase.course_workout_completions
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workout_completions__derive();
CREATE TRIGGER t500_derive_on_delete AFTER DELETE ON coursebase.course_workout_completions
    REFERENCING OLD TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workout_completions__derive();
CREATE TRIGGER t500_derive_on_truncate AFTER TRUNCATE ON coursebase.course_workout_completions
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workout_completions__derive();
GRANT SELECT, INSERT, UPDATE, DELETE ON TABLE coursebase.course_workout_completions
    TO end_user, server;

-- A change of the curriculum may complete an entitlement, or make it incomplete again; after a deletion
-- A500_settle_on_delete says so.
CREATE TRIGGER t500_derive_on_insert AFTER INSERT ON coursebase.course_workouts
    REFERENCING NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workouts__derive();
CREATE TRIGGER t500_derive_on_update AFTER UPDATE ON coursebase.course_workouts
    REFERENCING OLD TABLE AS was NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_course_workouts__derive();

CREATE VIEW coursebase.transactions_to_refund
WITH (security_invoker = true)
AS
SELECT t.id AS transaction_id, t.organization_id, t.user_id, t.program_id,
    e.id AS entitlement_id, t.amount_in_cents, t.currency, t.provider, t.provider_reference,
    t.created_at
FROM coursebase.payment_transactions t
JOIN coursebase.course_entitlements e
    ON e.user_id = t.user_id AND e.program_id = t.program_id
WHERE t.type = 'charge' AND t.status = 'completed'
    AND e.source_payment_transaction_id IS DISTINCT FROM t.id;
COMMENT ON VIEW coursebase.transactions_to_refund IS 'Charges that came for a program which the buyer has by another payment, or free, or after the buyer''s account was closed (also because its refund failed). refund_transaction() gives them back.';
COMMENT ON COLUMN coursebase.transactions_to_refund.transaction_id IS 'The charge.';
COMMENT ON COLUMN coursebase.transactions_to_refund.organization_id IS 'The organisation that was paid.';
COMMENT ON COLUMN coursebase.transactions_to_refund.user_id IS 'The person who paid.';
COMMENT ON COLUMN coursebase.transactions_to_refund.program_id IS 'The program that was paid for.';
COMMENT ON COLUMN coursebase.transactions_to_refund.entitlement_id IS 'The entitlement, which rests on another payment, was free, or is revoked because the account is closed.';
COMMENT ON COLUMN coursebase.transactions_to_refund.amount_in_cents IS 'The amount, in minor units of currency.';
COMMENT ON COLUMN coursebase.transactions_to_refund.currency IS 'ISO 4217 code, in upper case.';
COMMENT ON COLUMN coursebase.transactions_to_refund.provider IS 'The payment provider, or NULL.';
COMMENT ON COLUMN coursebase.transactions_to_refund.provider_reference IS 'The provider''s name for the charge, or NULL.';
COMMENT ON COLUMN coursebase.transactions_to_refund.created_at IS 'When the checkout began.';
GRANT SELECT ON TABLE coursebase.transactions_to_refund TO end_user, server;

CREATE VIEW coursebase.storefront_courses
WITH (security_invoker = true)
AS
SELECT g.program_id, g.organization_id, c.organization_name, c.organization_slug, c.name,
    c.description, c.duration_days, c.access_policy, g.preview_type, c.plan_id, c.price_in_cents,
    c.currency, c.published_at
FROM coursebase.offered_courses() c
-- PostgREST embeds what columns of a view are a foreign key to, and a function's answer is none.
JOIN coursebase.course_configs g ON g.program_id = c.program_id
ORDER BY c.published_at DESC, g.program_id;
COMMENT ON VIEW coursebase.storefront_courses IS 'The programs that anybody may buy, of all organisations, the newest first.';
COMMENT ON COLUMN coursebase.storefront_courses.program_id IS 'The program.';
COMMENT ON COLUMN coursebase.storefront_courses.organization_id IS 'The organisation that sells the program.';
COMMENT ON COLUMN coursebase.storefront_courses.organization_name IS 'The seller''s name.';
COMMENT ON COLUMN coursebase.storefront_courses.organization_slug IS 'The seller''s name in addresses.';
COMMENT ON COLUMN coursebase.storefront_courses.name IS 'Name to show.';
COMMENT ON COLUMN coursebase.storefront_courses.description IS 'Description to show, or NULL.';
COMMENT ON COLUMN coursebase.storefront_courses.duration_days IS 'How many days the program has.';
COMMENT ON COLUMN coursebase.storefront_courses.access_policy IS 'How long a buyer may use the program.';
COMMENT ON COLUMN coursebase.storefront_courses.preview_type IS 'What storefront_course() shows of the program''s days.';
COMMENT ON COLUMN coursebase.storefront_courses.plan_id IS 'The plan that sells the program.';
COMMENT ON COLUMN coursebase.storefront_courses.price_in_cents IS 'Price in minor units of currency; 0 is free.';
COMMENT ON COLUMN coursebase.storefront_courses.currency IS 'ISO 4217 code of the price, in upper case.';
COMMENT ON COLUMN coursebase.storefront_courses.published_at IS 'Since when the program is published.';
GRANT SELECT ON TABLE coursebase.storefront_courses TO anonymous, end_user, server;

-- The organisation's plans fix its currency, so that the trigger stands in the slice of plans.
CREATE TRIGGER t300_currency AFTER UPDATE ON coursebase.organizations
    FOR EACH ROW WHEN (OLD.currency <> NEW.currency)
    EXECUTE FUNCTION coursebase.tg_organizations__currency();

-- The function counts rows of programs too, and so stands in their slice.
CREATE TRIGGER t300_at_most AFTER INSERT ON coursebase.memberships
    REFERENCING NEW TABLE AS made
    FOR EACH STATEMENT EXECUTE FUNCTION coursebase.tg_any__rows_an_organization();

INSERT INTO coursebase.settings AS s (name, kind, default_value, meaning)
VALUES
    ('programs_an_organization', 'integer', '1000',
        'How many programs, and how many plans, an organisation may have: an end user''s INSERT of more is refused; 0 for any number. The server is not bound.'),
    ('rows_an_organization', 'integer', '100000',
        'How many memberships, workouts and places of curricula (course_workouts) each an organisation may have: an end user''s INSERT of more is refused; 0 for any number. The server is not bound.')
ON CONFLICT (name) DO UPDATE SET default_value = excluded.default_value, meaning = excluded.meaning
WHERE (s.default_value, s.meaning) IS DISTINCT FROM (excluded.default_value, excluded.meaning);
