-- The role that person files are read as: see views/wall.sql. Roles belong to the whole server, so another database may have made it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'isthmus_reader') THEN
        BEGIN
            CREATE ROLE isthmus_reader NOLOGIN;
        EXCEPTION
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE EXCEPTION 'the role isthmus_reader is missing'
                    USING HINT = format('Run once as a superuser: CREATE ROLE isthmus_reader NOLOGIN; GRANT isthmus_reader TO %I;', current_user);
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'isthmus_reader', 'MEMBER') THEN
        EXECUTE format('GRANT isthmus_reader TO %I', current_user);
    END IF;
END $$;
