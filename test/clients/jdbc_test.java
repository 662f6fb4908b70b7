// jdbc_test.java: PostgreSQL's JDBC driver as its users write: JSON and other types both ways, a person's own rows by claims
// set for the transaction, statements that the server keeps across people, batches, savepoints, and what an error says.
// Debian: libpostgresql-jdbc-java libjunixsocket-java default-jre-headless
//
// PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles. It is reached by its socket.
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import org.postgresql.PGStatement;
import org.postgresql.util.PGobject;
import org.postgresql.util.PSQLException;
import org.postgresql.util.ServerErrorMessage;

class JdbcTest {
    static final String DATABASE = "coursebase_jdbc";
    static final UUID ADA = id("a1"), BO = id("b1"), CALM = id("c1"), PRODUCT = id("d1"), SECTION = id("e1"), NOBODY = id("ff");
    static final UUID[] LESSONS = {id("e2"), id("e3"), id("e4")};
    static final String RECEIPT = "{\"product_id\": \"ai_credits_400\", \"source\": \"google_play\", \"purchase_id\": \"r-1\","
        + " \"purchase_token\": \"t\", \"transaction_date\": \"1767268800000\"}";
    static final String RECEIVED = "SELECT coursebase.validate_purchase(?, ?) ->> 'status'";
    static final String RECEIVED_CAST = "SELECT coursebase.validate_purchase(?, ?::json) ->> 'status'";
    static final String SALE = "SELECT status FROM coursebase.complete_purchase(?, ?, ?, ?, ?)";
    static final String NAMES = "SELECT array_agg(name) FROM coursebase.users";

    static int tried, right;

    interface Call {
        Object make() throws Exception;
    }

    /** The call answers what is expected, or is refused with the SQLSTATE that is. */
    static void call(String name, Object expected, Call made) {
        Object found;
        tried++;
        try {
            found = made.make();
        } catch (SQLException error) {
            found = error.getSQLState();
            if (!found.equals(expected)) error.printStackTrace();
        } catch (Exception error) {
            error.printStackTrace();
            found = error;
        }
        if (expected.equals(found)) right++;
        else System.err.println("JDBC: " + name + ": " + found + " and not " + expected);
    }

    /** A connection by the socket, on which every call ends; settings are names and values of the driver's. */
    static Connection connected(String database, String... settings) throws SQLException {
        Properties all = new Properties();
        all.setProperty("user", System.getenv("PGUSER"));
        all.setProperty("socketFactory", "org.newsclub.net.unix.AFUNIXSocketFactory$FactoryArg");
        all.setProperty("socketFactoryArg", System.getenv("PGHOST") + "/.s.PGSQL." + System.getenv("PGPORT"));
        all.setProperty("sslMode", "disable");
        all.setProperty("gssEncMode", "disable");
        all.setProperty("connectTimeout", "10");
        all.setProperty("options", "-c statement_timeout=180s");
        for (int i = 0; i < settings.length; i += 2) all.setProperty(settings[i], settings[i + 1]);
        return DriverManager.getConnection("jdbc:postgresql://localhost/" + database, all);
    }

    static UUID id(String end) {
        return UUID.fromString("00000000-0000-4000-8000-0000000000" + end);
    }

    static PGobject typed(String type, String value) throws SQLException {
        PGobject object = new PGobject();
        object.setType(type);
        object.setValue(value);
        return object;
    }

    /** The transaction goes on as a part and a person. */
    static void become(Connection connection, String part, String sub) throws SQLException {
        try (PreparedStatement claims =
                connection.prepareStatement("SELECT set_config('role', ?, true), set_config('request.jwt.claims', ?, true)")) {
            claims.setString(1, "coursebase_jdbc_" + part);
            claims.setString(2, sub == null ? "" : "{\"sub\": \"" + sub + "\"}");
            claims.executeQuery().close();
        }
    }

    /** What is done within one transaction of a part and a person; it is rolled back when it fails. */
    static Object within(Connection connection, String part, String sub, Call done) throws Exception {
        connection.setAutoCommit(false);
        try {
            become(connection, part, sub);
            Object answer = done.make();
            connection.commit();
            return answer;
        } finally {
            connection.rollback();
        }
    }

    /** The first column of the one row, an array as the list of its texts. */
    static Object first(PreparedStatement statement) throws SQLException {
        try (ResultSet rows = statement.executeQuery()) {
            if (!rows.next()) return "no row";
            Object value = rows.getObject(1);
            return value instanceof Array ? List.of((Object[]) ((Array) value).getArray()) : value == null ? "null" : value;
        }
    }

    static Object one(Connection connection, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) statement.setObject(i + 1, values[i]);
            return first(statement);
        }
    }

    static Object asked(Connection connection, String part, String sub, String sql, Object... values) throws Exception {
        return within(connection, part, sub, () -> one(connection, sql, values));
    }

    /** What the server says of a refusal. */
    static ServerErrorMessage refusal(Call made) throws Exception {
        try {
            made.make();
        } catch (PSQLException error) {
            return error.getServerErrorMessage();
        }
        throw new AssertionError("is not refused");
    }

    static void json(Connection c) {
        call("setString and a cast", "valid", () -> asked(c, "server", null, RECEIVED_CAST, ADA, RECEIPT));
        call("a PGobject of type json", "valid", () -> asked(c, "server", null, RECEIVED, ADA, typed("json", RECEIPT)));
        call("a PGobject of type jsonb, cast", "valid", () -> asked(c, "server", null, RECEIVED_CAST, ADA, typed("jsonb", RECEIPT)));
        call("a PGobject of type jsonb", "42883", () -> asked(c, "server", null, RECEIVED, ADA, typed("jsonb", RECEIPT)));
        call("setString without a cast", "42883", () -> asked(c, "server", null, RECEIVED, ADA, RECEIPT));
        call("a JSON string for an object", "KB801 true", () -> {
            String twice = '"' + RECEIPT.replace("\"", "\\\"") + '"';
            ServerErrorMessage said = refusal(() -> asked(c, "server", null, RECEIVED_CAST, ADA, twice));
            return said.getSQLState() + " " + said.getHint().contains("It is a JSON string");
        });
        call("an answer is a PGobject", "json {", () -> {
            PGobject answer = (PGobject) asked(c, "server", null, "SELECT coursebase.handshake(?, ?::json)", ADA, "{}");
            return answer.getType() + " " + answer.getValue().charAt(0);
        });
        call("stringtype=unspecified needs no cast", "valid", () -> {
            try (Connection untyped = connected(DATABASE, "stringtype", "unspecified")) {
                return asked(untyped, "server", null, RECEIVED, ADA, RECEIPT);
            }
        });
    }

    static void types(Connection c) {
        OffsetDateTime when = OffsetDateTime.parse("2026-01-10T12:34:56.789012+02:00");
        call("uuid, numeric, timestamptz and jsonb", "Ada's 12.345 1 true", () -> within(c, "server", null, () -> {
            UUID log = (UUID) one(c, "SELECT coursebase.log_server('jdbc', 'info', ?, ?, ?, ?, ?)", "Ada's",
                typed("jsonb", "{\"n\": 1}"), ADA, new BigDecimal("12.345"), when);
            try (PreparedStatement read = c.prepareStatement(
                    "SELECT message, duration_ms, context ->> 'n', created_at, user_id FROM coursebase.server_logs WHERE id = ?")) {
                read.setObject(1, log);
                try (ResultSet row = read.executeQuery()) {
                    row.next();
                    boolean same = row.getObject(4, OffsetDateTime.class).isEqual(when) && row.getObject(5, UUID.class).equals(ADA);
                    return row.getString(1) + " " + row.getBigDecimal(2) + " " + row.getString(3) + " " + same;
                }
            }
        }));
        call("numeric of credits", 13L, () -> asked(c, "server", null,
            "SELECT needed FROM coursebase.check_credits(?, ?)", new BigDecimal("12.5"), ADA));
        call("an array of uuid", LESSONS.length, () -> within(c, "server", null, () -> {
            Array order = c.createArrayOf("uuid", new UUID[] {LESSONS[2], LESSONS[0], LESSONS[1]});
            return one(c, "SELECT coursebase.reorder_lessons(?, ?)", SECTION, order);
        }));
        call("a Java array of uuid", List.of(LESSONS[1], LESSONS[0], LESSONS[2]), () -> within(c, "server", null, () -> {
            one(c, "SELECT coursebase.reorder_lessons(?, ?)", SECTION, new UUID[] {LESSONS[1], LESSONS[0], LESSONS[2]});
            return one(c, "SELECT array_agg(id ORDER BY \"order\") FROM coursebase.lessons WHERE section_id = ?", SECTION);
        }));
        call("an array of text", "{\"a\":{\"b\":[1,2]}}", () -> asked(c, "server", null,
            "SELECT coursebase.json_append('{\"a\":{\"b\":[1]}}', ?, '[2]')::text", (Object) new String[] {"a", "b"}));
        call("an answer of uuid[]", List.of(CALM), () -> asked(c, "user", "ada", "SELECT coursebase.accessible_course_ids()"));
        call("{? = call …}", true, () -> within(c, "user", "ada", () -> {
            try (CallableStatement access = c.prepareCall("{? = call coursebase.has_course_access(?)}")) {
                access.registerOutParameter(1, Types.BOOLEAN);
                access.setObject(2, CALM);
                access.execute();
                return access.getBoolean(1);
            }
        }));
    }

    static void errors(Connection c) {
        call("SQLSTATE, detail and hint", "KB106 true true", () -> {
            ServerErrorMessage said = refusal(() -> asked(c, "server", null, SALE, ADA, NOBODY, "cs_none", 4900, "paid"));
            return said.getSQLState() + " " + (said.getDetail() != null) + " " + (said.getHint() != null);
        });
        call("a stranger at a sale", "42501", () -> asked(c, "anonymous", null, SALE, ADA, PRODUCT, "cs_no", 4900, "paid"));
        call("another's handshake", "42501", () -> asked(c, "user", "ada", "SELECT coursebase.handshake(?, ?::json)", BO, "{}"));
        call("a promise kept at commit", "KB901", () -> asked(c, "server", null,
            "SELECT coursebase.save_product(NULL, 'Empty', 'None', '/none.png', 1, 'public')"));
        call("a read-only transaction reads", List.of("Ada"), () -> {
            c.rollback();
            c.setReadOnly(true);
            try {
                return asked(c, "user", "ada", NAMES);
            } finally {
                c.setReadOnly(false);
            }
        });
    }

    /** From its second run on each statement is one that the server keeps, and the next person runs it too. */
    static void kept(Connection c) throws SQLException {
        String[][] turns = {{"user", "ada", "Ada"}, {"user", "bo", "Bo"}, {"anonymous", "", "42501"}, {"server", "", "Ada, Bo"},
            {"user", "bo", "Bo"}, {"user", "nobody", ""}, {"user", "ada", "Ada"}};
        c.setAutoCommit(false);
        try (PreparedStatement names = c.prepareStatement("SELECT coalesce(string_agg(name, ', ' ORDER BY name), '') FROM coursebase.users");
             PreparedStatement access = c.prepareStatement("SELECT coursebase.has_course_access(?)")) {
            for (int round = 0; round < 3; round++) {
                for (String[] turn : turns) {
                    String sub = turn[1].isEmpty() ? null : turn[1];
                    call("rows of " + turn[0] + " " + turn[1], turn[2], () -> within(c, turn[0], sub, () -> first(names)));
                    call("access of " + turn[0] + " " + turn[1], turn[1].equals("ada"), () -> within(c, turn[0], sub, () -> {
                        access.setObject(1, CALM);
                        return first(access);
                    }));
                }
            }
            call("the server keeps both", true, () -> ((PGStatement) names).isUseServerPrepare() && ((PGStatement) access).isUseServerPrepare());
        }
        call("rows by a cursor are those of who asked", "Ada, Bo", () -> within(c, "server", null, () -> {
            try (PreparedStatement names = c.prepareStatement("SELECT name FROM coursebase.users ORDER BY name")) {
                names.setFetchSize(1);
                try (ResultSet rows = names.executeQuery()) {
                    rows.next();
                    String one = rows.getString(1);
                    become(c, "user", "ada");
                    rows.next();
                    return one + ", " + rows.getString(1);
                }
            }
        }));
    }

    static final String GRANT = "INSERT INTO coursebase.course_grants (user_id, course_id) VALUES (?, ?)";

    static int[] grants(Connection c, UUID... people) throws SQLException {
        try (PreparedStatement grant = c.prepareStatement(GRANT)) {
            for (UUID person : people) {
                grant.setObject(1, person);
                grant.setObject(2, CALM);
                grant.addBatch();
            }
            return grant.executeBatch();
        }
    }

    static void batches(Connection c) {
        call("a batch of calls", 3, () -> within(c, "server", null, () -> {
            try (PreparedStatement log = c.prepareStatement("SELECT coursebase.log_server('jdbc', 'info', ?, ?::jsonb)")) {
                for (String message : new String[] {"one", "two", "three"}) {
                    log.setString(1, message);
                    log.setString(2, "{\"batch\": true}");
                    log.addBatch();
                }
                return log.executeBatch().length;
            }
        }));
        call("all of them are written", 3L, () -> asked(c, "server", null,
            "SELECT count(*) FROM coursebase.server_logs WHERE context ->> 'batch' = 'true'"));
        call("a batch with one that is refused", "23503", () -> within(c, "server", null, () -> {
            try {
                return grants(c, BO, NOBODY);
            } catch (BatchUpdateException error) {
                return error.getSQLState();
            }
        }));
        call("nothing of it stays", 0L, () -> asked(c, "server", null, "SELECT count(*) FROM coursebase.course_grants WHERE user_id = ?", BO));
        call("a batch that is one statement", 2, () -> {
            try (Connection rewriting = connected(DATABASE, "reWriteBatchedInserts", "true")) {
                return within(rewriting, "server", null, () -> grants(rewriting, ADA, BO).length);
            }
        });
        call("keys that are made", true, () -> within(c, "server", null, () -> {
            try (PreparedStatement made = c.prepareStatement("INSERT INTO coursebase.courses (title, description) VALUES ('Made', '')",
                    new String[] {"id"})) {
                made.executeUpdate();
                try (ResultSet keys = made.getGeneratedKeys()) {
                    return keys.next() && keys.getObject(1) instanceof UUID;
                }
            }
        }));
    }

    static void savepoints() throws SQLException {
        try (Connection c = connected(DATABASE, "autosave", "conservative", "prepareThreshold", "1")) {
            call("a savepoint keeps the transaction and who asks", List.of("Ada"), () -> within(c, "user", "ada", () -> {
                Savepoint before = c.setSavepoint();
                refusal(() -> one(c, SALE, ADA, PRODUCT, "cs_user", 4900, "paid"));
                c.rollback(before);
                return one(c, NAMES);
            }));
            call("who was told within a savepoint goes with it", "Bo Ada", () -> within(c, "user", "ada", () -> {
                Savepoint before = c.setSavepoint();
                become(c, "user", "bo");
                Object within = ((List<?>) one(c, NAMES)).get(0);
                c.rollback(before);
                return within + " " + ((List<?>) one(c, NAMES)).get(0);
            }));
            call("conservative: statements that are gone are made again", List.of("Ada"), () -> within(c, "user", "ada", () -> {
                one(c, NAMES);
                try (Statement plain = c.createStatement()) {
                    plain.execute("DEALLOCATE ALL");
                }
                return one(c, NAMES);
            }));
            call("conservative: a refusal ends the transaction", "25P02", () -> within(c, "server", null, () -> {
                refusal(() -> one(c, SALE, ADA, NOBODY, "cs_none", 4900, "paid"));
                return one(c, NAMES);
            }));
        }
        try (Connection c = connected(DATABASE, "autosave", "always", "prepareThreshold", "1")) {
            call("always: the transaction goes on after a refusal", List.of("Bo"), () -> within(c, "user", "ada", () -> {
                become(c, "user", "bo");
                refusal(() -> one(c, "SELECT coursebase.handshake(?, ?::json)", ADA, "{}"));
                return one(c, NAMES);
            }));
            call("always: a sale after one that is refused", "completed", () -> within(c, "server", null, () -> {
                refusal(() -> one(c, SALE, BO, NOBODY, "cs_bo", 4900, "paid"));
                return one(c, SALE, BO, PRODUCT, "cs_bo", 4900, "paid");
            }));
            call("nobody afterwards", "null", () -> asked(c, "user", null, "SELECT coursebase.current_user_id()"));
        }
    }

    static void world(Connection owner) throws SQLException {
        try (Statement make = owner.createStatement()) {
            make.execute("CREATE EXTENSION coursebase");
            make.execute("SELECT coursebase.grant_roles('coursebase_jdbc_anonymous', 'coursebase_jdbc_user', 'coursebase_jdbc_server')");
            make.execute("INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES"
                + " ('" + ADA + "', 'ada', 'Ada', 'ada@example.org'), ('" + BO + "', 'bo', 'Bo', 'bo@example.org')");
            make.execute("INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('ai_credits_400', 'ai_credits', 400)");
            make.execute("INSERT INTO coursebase.courses (id, title, description, price_in_cents, currency) VALUES ('"
                + CALM + "', 'Calm', '', 900, 'EUR')");
            make.execute("INSERT INTO coursebase.course_sections (id, course_id, name) VALUES ('" + SECTION + "', '" + CALM + "', 'One')");
            for (UUID lesson : LESSONS)
                make.execute("INSERT INTO coursebase.lessons (id, section_id, name) VALUES ('" + lesson + "', '" + SECTION + "', 'One')");
            make.execute("INSERT INTO coursebase.products (id, name, description, image_url, price_dollars) VALUES ('"
                + PRODUCT + "', 'Calm', 'A course', '/calm.png', 49)");
            make.execute("INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('" + CALM + "', '" + PRODUCT + "')");
        }
    }

    static void calls() throws Exception {
        try (Connection owner = connected(DATABASE)) {
            world(owner);
        }
        try (Connection c = connected(DATABASE, "prepareThreshold", "1")) {
            call("a sale", "completed", () -> asked(c, "server", null, SALE, ADA, PRODUCT, "cs_ada", 4900, "paid"));
            json(c);
            types(c);
            errors(c);
            kept(c);
            batches(c);
        }
        savepoints();
    }

    public static void main(String[] arguments) throws Exception {
        String[] parts = {"anonymous", "user", "server"};
        try (Connection admin = connected("postgres"); Statement make = admin.createStatement()) {
            try {
                for (String part : parts) make.execute("CREATE ROLE coursebase_jdbc_" + part + (part.equals("server") ? " BYPASSRLS" : ""));
                make.execute("CREATE DATABASE " + DATABASE);
                calls();
            } finally {
                make.execute("DROP DATABASE IF EXISTS " + DATABASE + " WITH (FORCE)");
                for (String part : parts) make.execute("DROP ROLE IF EXISTS coursebase_jdbc_" + part);
            }
        }
        System.out.println("JDBC | " + tried + " | " + right);
        System.exit(tried > 0 && right == tried ? 0 : 1);
    }
}
