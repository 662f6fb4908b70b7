-- From 0.1: what the new code over the old and install() cannot do by themselves.

-- It has an argument now; with both, a call without arguments would be ambiguous.
DROP FUNCTION coursebase.check_integrity();

-- The form of a course's code became wider: install() makes the constraint anew.
ALTER TABLE coursebase.courses DROP CONSTRAINT courses_course_code_form_check;
