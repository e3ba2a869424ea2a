"""FastAPI with SQLAlchemy's asyncio extension and asyncpg, under uvicorn."""

import os
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException
from pydantic import BaseModel, ConfigDict
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

url = os.environ["DATABASE_URL"].replace("postgres://", "postgresql://").replace("postgresql:", "postgresql+asyncpg:")
sessions = async_sessionmaker(create_async_engine(url, pool_size=8), expire_on_commit=False)
app = FastAPI()


class Base(DeclarativeBase):
    pass


class Car(Base):
    __tablename__ = "cars"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    model: Mapped[str]
    doors: Mapped[int]


class NewCar(BaseModel):
    name: str
    model: str
    doors: int


class ShownCar(BaseModel):
    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    model: str
    doors: int


async def session():
    async with sessions() as session:
        yield session


Session = Annotated[AsyncSession, Depends(session)]


@app.get("/cars", response_model=list[ShownCar])
async def list_cars(session: Session, limit: int | None = None, min_doors: int | None = None):
    cars = select(Car)
    if min_doors is not None:
        cars = cars.where(Car.doors >= min_doors).order_by(Car.name.desc())
    return (await session.scalars(cars.order_by(Car.id).limit(limit))).all()


@app.post("/cars", status_code=201, response_model=ShownCar)
async def create_car(session: Session, new: NewCar):
    car = Car(**new.model_dump())
    session.add(car)
    await session.commit()
    return car


@app.get("/cars/{car_id}", response_model=ShownCar)
async def get_car(session: Session, car_id: int):
    car = await session.get(Car, car_id)
    if car is None:
        raise HTTPException(404)
    return car


@app.put("/cars/{car_id}", response_model=ShownCar)
async def replace_car(session: Session, car_id: int, new: NewCar):
    car = await session.get(Car, car_id)
    if car is None:
        raise HTTPException(404)
    for name, value in new.model_dump().items():
        setattr(car, name, value)
    await session.commit()
    return car
