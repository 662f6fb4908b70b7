-- From 0.1: what the new code over the old and install() cannot do by themselves. install() then makes the constraint anew.

-- The form of a course's code became wider.
ALTER TABLE coursebase.courses DROP CONSTRAINT IF EXISTS courses_course_code_form_check;
