// Jdbc.java: the calls of jdbc_test.ts, as a program with PostgreSQL's JDBC driver writes them: one line each, its name and what
// came of it. Arguments: the address of the database and the role of an edge function.
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.UUID;
import org.postgresql.util.PGobject;

class Jdbc {
    static final UUID ADA = UUID.fromString("00000000-0000-4000-8000-0000000000a1");
    static final UUID PRODUCT = UUID.fromString("00000000-0000-4000-8000-0000000000d1");

    /** A value of a call, or the SQLSTATE that it was refused with. */
    static void call(Connection connection, String name, String statement, Object... values) {
        String answer;
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
            for (int at = 0; at < values.length; at++) prepared.setObject(at + 1, values[at]);
            // so often that the driver makes it a named statement of the server
            answer = null;
            for (int times = 0; times < 7; times++) {
                try (ResultSet result = prepared.executeQuery()) {
                    result.next();
                    answer = result.getString(1);
                }
            }
        } catch (SQLException refused) {
            answer = refused.getSQLState();
        }
        System.out.println(name + ": " + answer);
    }

    static PGobject typed(String type, String value) throws SQLException {
        PGobject object = new PGobject();
        object.setType(type);
        object.setValue(value);
        return object;
    }

    public static void main(String[] arguments) throws SQLException {
        try (Connection connection = DriverManager.getConnection(arguments[0]); Statement statement = connection.createStatement()) {
            statement.execute("SET ROLE " + arguments[1]);
            String handshake = "SELECT coursebase.handshake(?, ?::json) -> 'json_manifest' -> 'old.json' ->> 'action'";
            String state = "{\"checksums\": {\"old.json\": \"0\"}}";
            call(connection, "text and a cast", handshake, ADA, state);
            call(connection, "json", handshake.replace("::json", ""), ADA, typed("json", state));
            call(connection, "jsonb and a cast", handshake, ADA, typed("jsonb", state));
            call(connection, "jsonb without a cast", handshake.replace("::json", ""), ADA, typed("jsonb", state));
            call(connection, "a text that is a JSON string", handshake, ADA, "\"text\"");
            String sale = "SELECT status FROM coursebase.complete_purchase(?, ?, ?, 4900, ?)";
            call(connection, "a sale, again and again", sale, ADA, PRODUCT, "cs_jdbc", "paid");
            call(connection, "a product that is not there", sale, ADA, ADA, "cs_other", "paid");
            call(connection, "rows", "SELECT count(*) FROM coursebase.purchases WHERE user_id = ?", ADA);
        }
    }
}
