"""Queries that would take all there is: of memory, of depth, of room."""

MONSTERS = {
    "parentheses": f"SELECT {'(' * 100_000}1{')' * 100_000}",
    "a long sum": f"SELECT {'+'.join(['1'] * 100_000)}",
    "nested lists": f"SELECT {'[' * 5_000}{']' * 5_000}",
    "nested calls": f"SELECT {'abs(' * 20_000}1{')' * 20_000}",
    "nested methods": f"SELECT (1){'.abs()' * 20_000}",
    "nested subqueries": "SELECT (" * 2_000 + "SELECT 1" + ")" * 2_000,
    "nested selects": "SELECT * FROM (" * 3_000 + "FROM range(1)" + ")" * 3_000,
    "nested cases": f"SELECT {'CASE WHEN true THEN ' * 3_000}1{' END' * 3_000}",
    "nested casts": f"SELECT 1{'::INTEGER' * 50_000}",
    "nested types": f"SELECT NULL::{'STRUCT(a ' * 5_000}INTEGER{')' * 5_000}",
    "many lists in a type": f"SELECT NULL::INTEGER{'[]' * 50_000}",
    "nested JSON": f"SELECT '{'[' * 200_000}'::JSON",
    "a query that is too long": f"SELECT '{'x' * 2_000_000}'",
    "a long text": "SELECT repeat('x', 1000000000000)",
    "a long list": "SELECT range(100000000000)",
    "a recursion that never ends": "WITH RECURSIVE t AS (SELECT 'x' AS n UNION ALL SELECT n || n FROM t) FROM t",
    "a range without end": "SELECT * FROM range(1000000000000)",
    "a product of ranges": "SELECT * FROM range(1000000), range(1000000)",
    "all of it sorted": "SELECT list(a.range) FROM range(1000000000) a",
    "a long row": "SELECT repeat('x', 800000)",
}

HOGS = {
    "damerau_levenshtein": "SELECT damerau_levenshtein(repeat('ab', 20000), repeat('cd', 20000))",
    "list_distinct": "SELECT len(list_distinct(range(40000000)))",
    "array_to_string": "SELECT len(array_to_string(range(60000000), ','))",
    "replace": "SELECT len(replace(repeat('a', 60000000), 'a', 'bbbbbbbbbbbbbbbbbbbb'))",
    "strftime": "SELECT len(strftime(TIMESTAMP '2020-01-01', repeat('%A %B', 30000000)))",
    "repeat": "SELECT len(repeat(repeat('x', 1000), 2000000))",
    "string_agg": "SELECT len(string_agg(repeat('x', 1000000), '')) FROM range(3000)",
    "list": "SELECT len(list(range)) FROM range(400000000)",
    "regexp_replace": "SELECT len(regexp_replace(repeat('a', 50000000), 'a', 'bbbbbbbbbbbbbbbbbbbbb', 'g'))",
    "list_transform": "SELECT len(list_transform(range(40000000), x -> repeat('y', 40)))",
    "histogram": "SELECT len(map_keys(histogram(range))) FROM range(30000000)",
    "lpad": "SELECT len(lpad('x', 1500000000, 'y'))",
    "printf": "SELECT len(printf('%1000000000d', 1))",
    "to_json": "SELECT len(to_json(range(60000000)))",
    "json": "SELECT len(json_group_array(repeat('x', 1000000))) FROM range(2000)",
    "levenshtein": "SELECT list(levenshtein(repeat('a', 3000), repeat('b', 3000) || range)) FROM range(10)",
    "split": "SELECT len(string_split(repeat('a,', 50000000), ','))",
    "a recursion": "WITH RECURSIVE t AS (SELECT range(1000000) AS n UNION ALL SELECT n || n FROM t) FROM t",
}

JSON = [
    "json_structure({})", "json_valid({})", "json_transform({}, '\"JSON\"')", "json_keys({})",
    "json_extract({}, '$[0]')",
    "json_contains({}, '1')", "json_merge_patch({}, '1')", "json_pretty({})", "from_json({}, '[\"JSON\"]')",
    "json_type({})", "{}::JSON", "{}::JSON::VARCHAR[]", "to_json({}::JSON)", "json_array_length({})",
    "(SELECT count(*) FROM json_tree({}))", "{}::JSON::VARIANT",
]  # fmt: skip
