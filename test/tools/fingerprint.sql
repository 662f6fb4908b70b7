-- fingerprint.sql: everything that makes a database what it is, one line a fact, without oids or times.
--
--   psql -XAtq -f test/tools/fingerprint.sql DATABASE
--
-- Two databases with the same lines hold the same rows under the same rules. Each line begins with the
-- kind of fact. What is the server's own (pg_catalog, information_schema, plpgsql) is left out.
SET search_path = pg_catalog, pg_temp;
SET extra_float_digits = 1;
SET TimeZone = 'UTC';

-- An ACL as text, with the default spelt out, so that NULL and its meaning are the same.
CREATE FUNCTION pg_temp.acl_text(acl aclitem[], kind "char", owner oid) RETURNS text LANGUAGE sql AS $$
    SELECT coalesce(string_agg(line, ', ' ORDER BY line COLLATE "C"), 'none') FROM (
        SELECT format('%s: %s%s by %s', coalesce(g.rolname, 'PUBLIC'), a.privilege_type,
                      CASE WHEN a.is_grantable THEN ' with grant option' END, o.rolname) AS line
        FROM aclexplode(coalesce(acl, acldefault(kind, owner))) a
        LEFT JOIN pg_roles g ON g.oid = a.grantee
        JOIN pg_roles o ON o.oid = a.grantor) lines
$$;
-- An expression without its brackets: the server writes (a OR b) OR c and reads it back as a OR b OR c.
CREATE FUNCTION pg_temp.unbracketed(expression text) RETURNS text LANGUAGE sql AS $$
    SELECT translate(expression, '()', '')
$$;
CREATE TEMP VIEW user_schemas AS
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
    WHERE nspname !~ '^pg_' AND nspname <> 'information_schema';
CREATE TEMP VIEW user_relations AS
    SELECT c.*, format('%I.%I', n.nspname, c.relname) AS name
    FROM pg_class c JOIN user_schemas n ON n.oid = c.relnamespace;

SELECT format('schema %s owner %s grants %s', nspname, nspowner::regrole, pg_temp.acl_text(nspacl, 'n', nspowner))
FROM user_schemas ORDER BY nspname COLLATE "C";

SELECT format('extension %s %s in %s owner %s', extname, extversion, extnamespace::regnamespace, extowner::regrole)
FROM pg_extension WHERE extname <> 'plpgsql' ORDER BY 1;

SELECT format('member %s %s', i.type, i.identity)
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND e.oid = d.refobjid AND e.extname <> 'plpgsql'
CROSS JOIN pg_identify_object(d.classid, d.objid, d.objsubid) i
WHERE d.deptype = 'e' ORDER BY 1;

SELECT format('initial grants %s %s', i.type, i.identity)
FROM pg_init_privs p CROSS JOIN pg_identify_object(p.classoid, p.objoid, p.objsubid) i
WHERE p.privtype = 'e' AND NOT i.identity ~ '^(pg_catalog|information_schema)\.' ORDER BY 1;

SELECT format('relation %s kind %s owner %s persistence %s security %s forced %s identity %s options %s grants %s',
              name, relkind, relowner::regrole, relpersistence, relrowsecurity, relforcerowsecurity, relreplident,
              reloptions, pg_temp.acl_text(relacl, CASE relkind WHEN 'S' THEN 's' ELSE 'r' END::"char", relowner))
FROM user_relations WHERE relkind NOT IN ('i', 'I', 't', 'c') ORDER BY name COLLATE "C";

SELECT format('column %s.%I position %s type %s null %s default %s identity %s generated %s collation %s compression %s storage %s grants %s',
              c.name, a.attname, row_number() OVER (PARTITION BY c.oid ORDER BY a.attnum),
              format_type(a.atttypid, a.atttypmod), NOT a.attnotnull, pg_temp.unbracketed(pg_get_expr(d.adbin, d.adrelid)),
              a.attidentity, a.attgenerated, a.attcollation::regcollation, a.attcompression, a.attstorage,
              (SELECT string_agg(g.rolname || ' ' || x.privilege_type || ' ' || x.is_grantable, ', '
                      ORDER BY g.rolname COLLATE "C", x.privilege_type)
               FROM aclexplode(a.attacl) x LEFT JOIN pg_roles g ON g.oid = x.grantee))
FROM user_relations c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE c.relkind NOT IN ('i', 'I', 't', 'S') ORDER BY c.name COLLATE "C", a.attnum;

SELECT format('constraint %s on %s: %s validated %s', c.conname, coalesce(r.name, 'no table'),
              pg_temp.unbracketed(pg_get_constraintdef(c.oid)), c.convalidated)
FROM pg_constraint c JOIN user_schemas n ON n.oid = c.connamespace
LEFT JOIN user_relations r ON r.oid = c.conrelid ORDER BY 1;

SELECT format('index %s valid %s replica identity %s', pg_temp.unbracketed(pg_get_indexdef(i.indexrelid)), i.indisvalid, i.indisreplident)
FROM pg_index i JOIN user_relations r ON r.oid = i.indrelid WHERE r.relkind <> 't' ORDER BY 1;

SELECT format('trigger %s enabled %s', pg_temp.unbracketed(pg_get_triggerdef(t.oid)), t.tgenabled)
FROM pg_trigger t JOIN user_relations r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal ORDER BY 1;

SELECT format('internal triggers of %s on %s: enabled %s', k.conname, r.name,
              string_agg(t.tgenabled::text, '' ORDER BY t.tgenabled))
FROM pg_trigger t JOIN user_relations r ON r.oid = t.tgrelid JOIN pg_constraint k ON k.oid = t.tgconstraint
WHERE t.tgisinternal GROUP BY k.conname, r.name ORDER BY 1;

SELECT format('policy %s on %s for %s permissive %s to %s using %s check %s', p.polname, r.name, p.polcmd, p.polpermissive,
              (SELECT string_agg(CASE x WHEN 0 THEN 'PUBLIC' ELSE x::regrole::text END, ', ' ORDER BY x::regrole::text COLLATE "C")
               FROM unnest(p.polroles) x),
              pg_temp.unbracketed(pg_get_expr(p.polqual, p.polrelid)), pg_temp.unbracketed(pg_get_expr(p.polwithcheck, p.polrelid)))
FROM pg_policy p JOIN user_relations r ON r.oid = p.polrelid ORDER BY 1;

SELECT format('view %s as %s', name, translate(pg_get_viewdef(oid), E'\n()', ' '))
FROM user_relations WHERE relkind IN ('v', 'm') ORDER BY name COLLATE "C";

SELECT format('rule %s on %s enabled %s', w.rulename, r.name, w.ev_enabled)
FROM pg_rewrite w JOIN user_relations r ON r.oid = w.ev_class ORDER BY 1;

SELECT format('enum %s owner %s (%s) grants %s', t.oid::regtype, t.typowner::regrole,
              (SELECT string_agg(e.enumlabel, ', ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid),
              pg_temp.acl_text(t.typacl, 'T', t.typowner))
FROM pg_type t JOIN user_schemas n ON n.oid = t.typnamespace WHERE t.typtype = 'e' ORDER BY 1;

SELECT format('function %s(%s) returns %s owner %s language %s kind %s volatility %s strict %s parallel %s definer %s leakproof %s settings %s body %s grants %s',
              p.oid::regproc, pg_get_function_arguments(p.oid), pg_get_function_result(p.oid), p.proowner::regrole,
              l.lanname, p.prokind, p.provolatile, p.proisstrict, p.proparallel, p.prosecdef, p.proleakproof,
              p.proconfig, md5(p.prosrc), pg_temp.acl_text(p.proacl, 'f', p.proowner))
FROM pg_proc p JOIN user_schemas n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
ORDER BY 1;

SELECT format('event trigger %s on %s does %s tags %s enabled %s owner %s', evtname, evtevent, evtfoid::regproc,
              evttags, evtenabled, evtowner::regrole)
FROM pg_event_trigger ORDER BY 1;

SELECT format('default privileges of %s in %s for %s: %s', defaclrole::regrole,
              coalesce(n.nspname, 'any schema'), defaclobjtype, defaclacl)
FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace ORDER BY 1;

SELECT format('publication %s owner %s all %s of %s', p.pubname, p.pubowner::regrole, p.puballtables,
              (SELECT string_agg(t.schemaname || '.' || t.tablename, ', ' ORDER BY 1)
               FROM (SELECT schemaname, tablename FROM pg_publication_tables x WHERE x.pubname = p.pubname
                     ORDER BY 1, 2) t))
FROM pg_publication p ORDER BY 1;

SELECT format('statistics %s', pg_get_statisticsobjdef(s.oid))
FROM pg_statistic_ext s JOIN user_schemas n ON n.oid = s.stxnamespace ORDER BY 1;

SELECT format('comment on %s %s: %s', i.type, i.identity, translate(d.description, E'\n', ' '))
FROM pg_description d CROSS JOIN pg_identify_object(d.classoid, d.objoid, d.objsubid) i
WHERE i.identity !~ '^(pg_catalog|information_schema|pg_toast|plpgsql)' AND i.schema IS DISTINCT FROM 'pg_catalog'
  AND d.objoid >= 16384 ORDER BY 1;

SELECT format('SELECT format(%L, last_value, is_called) FROM %s', 'sequence ' || name || ' at %s called %s', name)
FROM user_relations WHERE relkind = 'S' ORDER BY name COLLATE "C" \gexec

SELECT format('SELECT format(%L, count(*), md5(string_agg(md5(r::text), %L ORDER BY md5(r::text)))) FROM %s r',
              'rows of ' || name || ': %s, md5 %s', ',', name)
FROM user_relations WHERE relkind IN ('r', 'p') ORDER BY name COLLATE "C" \gexec
