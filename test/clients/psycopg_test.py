# psycopg_test.py: psycopg 2 and psycopg 3 as their users write: JSON arguments, a sale, a handshake, a person's own rows, a
# stranger who is refused.
# Debian: python3-psycopg2 python3-psycopg
#
# PGHOST, PGPORT and PGUSER name a server on which the caller may make databases and roles.
import json
import sys
import traceback

import psycopg
import psycopg2
import psycopg2.extras
from psycopg.types.json import Json, Jsonb

DATABASE = 'coursebase_psycopg'
ROLES = {part: 'coursebase_psycopg_' + part for part in ('anonymous', 'user', 'server')}
ADA = '00000000-0000-4000-8000-0000000000a1'
BO = '00000000-0000-4000-8000-0000000000b1'
PRODUCT = '00000000-0000-4000-8000-0000000000d1'
RECEIPT = {'product_id': 'ai_credits_400', 'source': 'google_play', 'purchase_id': 'r-1', 'purchase_token': 't',
           'transaction_date': '1767268800000'}
# Every call ends: the server cancels what takes longer.
WITHIN = {'connect_timeout': 60, 'options': '-c statement_timeout=180s'}
SALE = 'SELECT status, already_owned FROM coursebase.complete_purchase(%s, %s, %s, 4900, %s)'
HANDSHAKE = 'SELECT coursebase.handshake(%s, %s)'
RECEIVED = 'SELECT coursebase.validate_purchase(%s, %s)'

WORLD = f"""
    CREATE EXTENSION coursebase;
    SELECT coursebase.grant_roles('{ROLES['anonymous']}', '{ROLES['user']}', '{ROLES['server']}');
    INSERT INTO coursebase.users (id, clerk_user_id, name, email) VALUES
        ('{ADA}', 'ada', 'Ada', 'ada@example.org'), ('{BO}', 'bo', 'Bo', 'bo@example.org');
    INSERT INTO coursebase.store_products (product_id, kind, credits) VALUES ('ai_credits_400', 'ai_credits', 400);
    INSERT INTO coursebase.courses (id, title, description) VALUES ('{PRODUCT}', 'Calm', '');
    INSERT INTO coursebase.products (id, name, description, image_url, price_dollars)
    VALUES ('{PRODUCT}', 'Calm', 'A course', '/calm.png', 49);
    INSERT INTO coursebase.course_products (course_id, product_id) VALUES ('{PRODUCT}', '{PRODUCT}');
"""


class Calls:
    def __init__(self, client):
        self.client, self.tried, self.right = client, 0, 0

    def call(self, name, made, expected):
        """made() answers what is expected, or is refused with the SQLSTATE that is."""
        self.tried += 1
        try:
            found = made()
        except (psycopg.Error, psycopg2.Error) as error:
            found = getattr(error, 'sqlstate', None) or getattr(error, 'pgcode', None) or str(error)
        except Exception:
            found = traceback.format_exc()
        if found == expected:
            self.right += 1
        else:
            print(f'{self.client}: {name}: {found!r} and not {expected!r}', file=sys.stderr)

    def end(self):
        print(f'{self.client} | {self.tried} | {self.right}')
        return self.tried > 0 and self.right == self.tried


def one(connection, part, sub, statement, values):
    """The one row of a statement, in a transaction of a part and a person; a single column is itself."""
    with connection:
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('role', %s, true), set_config('request.jwt.claims', %s, true)",
                           (ROLES[part], json.dumps({'sub': sub}) if sub else ''))
            cursor.execute(statement, values)
            row = cursor.fetchone()
    return row[0] if row and len(row) == 1 else row


def common(calls, connection, wrapped, session, buyer):
    """What both write alike; a session that is told again is answered as the first time."""
    def ask(part, sub, statement, *values):
        return lambda: one(connection, part, sub, statement, values)

    calls.call('a receipt', lambda: ask('server', None, RECEIVED, ADA, wrapped(RECEIPT))()['status'], 'valid')
    calls.call('a sale', ask('server', None, SALE, buyer, PRODUCT, session, 'paid'), ('completed', False))
    calls.call('the sale again', ask('server', None, SALE, buyer, PRODUCT, session, 'paid'), ('completed', False))
    calls.call('another session', ask('server', None, SALE, buyer, PRODUCT, session + '_2', 'paid'), ('completed', True))
    calls.call('a product that is not there', ask('server', None, SALE, buyer, ADA, session + '_', 'paid'), 'KB106')
    calls.call('a handshake', lambda: isinstance(ask('server', None, HANDSHAKE, ADA, wrapped({}))(), dict), True)
    calls.call('a handshake of a browser', ask('user', 'ada', HANDSHAKE, ADA, wrapped({})), '42501')
    calls.call('nobody\'s handshake', ask('server', None, HANDSHAKE, PRODUCT, wrapped({})), 'KB106')
    calls.call('own rows', ask('user', 'ada', 'SELECT array_agg(name) FROM coursebase.users'), ['Ada'])
    calls.call('a stranger at the sale', ask('anonymous', None, SALE, buyer, PRODUCT, session, 'paid'), '42501')
    calls.call('a stranger at the rows', ask('anonymous', None, 'SELECT count(*) FROM coursebase.users'), '42501')
    calls.call('nobody afterwards', ask('user', None, 'SELECT coursebase.current_user_id()'), None)


def of_psycopg2():
    calls = Calls('psycopg 2')
    connection = psycopg2.connect(dbname=DATABASE, **WITHIN)
    try:
        common(calls, connection, psycopg2.extras.Json, 'cs_two', BO)
        calls.call('a text', lambda: one(connection, 'server', None, RECEIVED, (ADA, json.dumps(RECEIPT)))['status'], 'valid')
    finally:
        connection.close()
    return calls.end()


def of_psycopg3():
    calls = Calls('psycopg 3')
    # Its connections end with "with": each transaction is a block of its own.
    connection = psycopg.connect(dbname=DATABASE, autocommit=True, **WITHIN)
    try:
        common(calls, Blocks(connection), Json, 'cs_three', ADA)
        blocks = Blocks(connection)
        cast = RECEIVED.replace('%s)', '%s::json)')
        calls.call('Jsonb', lambda: one(blocks, 'server', None, RECEIVED, (ADA, Jsonb(RECEIPT))), '42883')
        calls.call('Jsonb that is cast', lambda: one(blocks, 'server', None, cast, (ADA, Jsonb(RECEIPT)))['status'], 'valid')
        calls.call('a text', lambda: one(blocks, 'server', None, RECEIVED, (ADA, json.dumps(RECEIPT)))['status'], 'valid')
        for turn in range(8):
            # From the sixth run on psycopg names the statement itself.
            who, other = (('ada', 'Ada'), ('bo', 'Bo'))[turn % 2]
            calls.call(f'run {turn}', lambda: one(blocks, 'user', who, 'SELECT name FROM coursebase.users', ()), other)
    finally:
        connection.close()
    return calls.end()


class Blocks:
    """psycopg 3's transaction() in the place of psycopg 2's "with connection"."""
    def __init__(self, connection):
        self.connection = connection

    def __enter__(self):
        self.block = self.connection.transaction()
        self.block.__enter__()

    def __exit__(self, *raised):
        return self.block.__exit__(*raised)

    def cursor(self):
        return self.connection.cursor()


def main():
    admin = psycopg.connect(dbname='postgres', autocommit=True, **WITHIN)
    try:
        for part, role in ROLES.items():
            admin.execute(f"CREATE ROLE {role} {'BYPASSRLS' if part == 'server' else ''}")
        admin.execute(f'CREATE DATABASE {DATABASE}')
        with psycopg.connect(dbname=DATABASE, **WITHIN) as owner:
            owner.execute(WORLD)
        return all([of_psycopg2(), of_psycopg3()])
    finally:
        admin.execute(f'DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)')
        for role in ROLES.values():
            admin.execute(f'DROP ROLE IF EXISTS {role}')
        admin.close()


sys.exit(0 if main() else 1)
