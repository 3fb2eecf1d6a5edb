"""Other servers of hawkBit's device API, as programs of their own environment: for `bench.fleet_polls`.

goosebit is run as it is, without its log of each request and with uvloop. The other is what one writes first with
FastAPI and SQLAlchemy: a device is read and its time of contact written with each poll.
"""

import sys
import time

CARS = 2000
NAME = "peer-{}"
TOKEN = "token-of-{}"


def goosebit(port: int) -> None:
    """goosebit with so many registered devices; GOOSEBIT_DB_URI says where."""
    import asyncio

    import uvicorn
    from goosebit import app
    from goosebit.db.config import TORTOISE_CONF
    from goosebit.db.models import Device, Hardware, UpdateStateEnum
    from tortoise import Tortoise

    async def fill() -> None:
        await Tortoise.init(config=TORTOISE_CONF)
        await Tortoise.generate_schemas()
        hardware, _ = await Hardware.get_or_create(model="default", revision="default")
        state = UpdateStateEnum.REGISTERED
        await Device.bulk_create(
            Device(id=NAME.format(n), hardware=hardware, last_state=state) for n in range(CARS)
        )
        await Tortoise.close_connections()

    asyncio.run(fill())
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


def first(port: int, database: str) -> None:
    """FastAPI and SQLAlchemy (asyncio) on SQLite."""
    import asyncio

    import uvicorn
    from fastapi import Depends, FastAPI, Header, HTTPException
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
    from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

    class Base(DeclarativeBase):
        pass

    class Device(Base):
        __tablename__ = "devices"
        name: Mapped[str] = mapped_column(primary_key=True)
        token: Mapped[str]
        seen_s: Mapped[float]

    engine = create_async_engine(f"sqlite+aiosqlite:///{database}")
    sessions = async_sessionmaker(engine)

    async def fill() -> None:
        async with engine.begin() as link:
            await link.exec_driver_sql("PRAGMA journal_mode=WAL")
            await link.run_sync(Base.metadata.create_all)
        async with sessions() as session:
            session.add_all(
                Device(name=NAME.format(n), token=TOKEN.format(n), seen_s=0.0) for n in range(CARS)
            )
            await session.commit()
        await engine.dispose()

    app = FastAPI()

    async def session_of():
        async with sessions() as session:
            yield session

    @app.get("/DEFAULT/controller/v1/{car}")
    async def poll(
        car: str, session: AsyncSession = Depends(session_of), authorization: str = Header("")
    ):
        device = await session.get(Device, car)
        if device is None or authorization != f"TargetToken {device.token}":
            raise HTTPException(401)
        device.seen_s = time.time()
        await session.commit()
        return {"config": {"polling": {"sleep": "00:05:00"}}}

    asyncio.run(fill())
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", access_log=False)


if __name__ == "__main__":
    {"goosebit": goosebit, "first": first}[sys.argv[1]](int(sys.argv[2]), *sys.argv[3:])
