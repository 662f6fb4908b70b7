-- An UPDATE of users that closes an account does what delete_user() does. This slice has no table.

-- After the guards and before the stamp: the row as it will be.
CREATE TRIGGER t400_close BEFORE UPDATE ON coursebase.users
    FOR EACH ROW WHEN ((OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL))
    EXECUTE FUNCTION coursebase.tg_users__close();
CREATE TRIGGER t400_close_on_delete BEFORE DELETE ON coursebase.users
    FOR EACH ROW EXECUTE FUNCTION coursebase.tg_users__close();
-- Before the version moves (900), whose name says that all that it is of is written.
CREATE TRIGGER t600_forget AFTER UPDATE ON coursebase.users
    FOR EACH ROW WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL)
    EXECUTE FUNCTION coursebase.tg_users__forget();
